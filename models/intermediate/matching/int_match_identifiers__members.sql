-- The cards behind each identifier that may link.

with

holders as (

    select * from {{ ref('int_match_identifiers__holders') }}

),

classified as (

    select * from {{ ref('int_identifiers__classified') }}

),

final as (

    select
        holders.identifier_number,
        classified.key_kind,
        classified.identifier_class,
        classified.record_count,
        holders.kind,
        holders.planfix_id,
        holders.record_number,
        holders.full_name_key,
        holders.own_name_grade,
        holders.is_from_trip,
        holders.name_id,
        holders.first_planfix_id,
        holders.spelling_count
    from holders
    inner join classified
        on holders.identifier_number = classified.identifier_number
    where
        classified.identifier_class <> 'void'
        -- on a shared identifier only full names can be equal
        and (
            classified.identifier_class <> 'shared'
            or holders.full_name_key is not null
        )

)

select * from final
