-- The records behind each identifier that may link, and one record for each spelling of
-- a name on it: the spellings are compared, every other record hangs on the first with
-- its spelling (stars).

with

classified as (

    select * from {{ ref('int_identifiers__classified') }}

),

collected as (

    select * from {{ ref('int_match_identifiers__collected') }}

),

records as (

    select * from {{ ref('int_match_records__prepared') }}

),

members as (

    select
        classified.identifier_number,
        classified.key_kind,
        classified.identifier_class,
        classified.record_count,
        collected.kind,
        collected.planfix_id,
        records.record_number,
        records.full_name_key,
        records.word_shape,
        collected.is_from_trip,
        -- a card without a name is a spelling of its own
        coalesce(records.name_id, '00000000-0000-0000-0000-000000000000'::uuid)
            as name_id
    from classified
    inner join collected
        on
            classified.key_kind = collected.key_kind
            and classified.key_value = collected.key_value
    inner join records
        on collected.planfix_id = records.planfix_id
    where
        classified.identifier_class <> 'void'
        -- on a shared identifier only full names can be equal
        and (
            classified.identifier_class <> 'shared'
            or records.full_name_key is not null
        )

),

final as (

    select
        *,
        min(planfix_id) over (
            partition by identifier_number, kind, name_id
        ) as first_planfix_id
    from members

)

select * from final
