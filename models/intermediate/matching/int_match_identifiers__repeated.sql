-- Most identifiers are on one card and join nothing: they are left out here, once. The
-- others get a number, by which all that follows is joined.

with

collected as (

    select * from {{ ref('int_match_identifiers__collected') }}

),

counted as (

    select
        key_kind,
        key_value,
        min(planfix_id) as first_planfix_id,
        count(*) as record_count,
        count(*) filter (where kind = 'person') as person_count,
        bool_or(has_extension) as has_extension
    from collected
    group by key_kind, key_value
    having count(*) > 1

),

final as (

    select
        -- texts are compared only where one card is the first of several
        row_number() over (
            order by first_planfix_id, key_kind collate "C", key_value collate "C"
        )::int as identifier_number,
        key_kind,
        key_value,
        record_count,
        person_count,
        record_count - person_count as company_count,
        has_extension
    from counted

)

select * from final
