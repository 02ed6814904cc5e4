-- The cards behind each repeated identifier, by number, and the first card of each
-- spelling of a name on it: spellings are compared, every other card hangs on the first
-- with its spelling (stars).

with

repeated as (

    select * from {{ ref('int_match_identifiers__repeated') }}

),

collected as (

    select * from {{ ref('int_match_identifiers__collected') }}

),

records as (

    select * from {{ ref('int_match_records__prepared') }}

),

holders as (

    select
        repeated.identifier_number,
        collected.kind,
        collected.planfix_id,
        records.record_number,
        records.full_name_key,
        records.own_name_grade,
        records.word_shape,
        records.given_key,
        records.surname_text,
        collected.is_from_trip,
        -- a card without a name is a spelling of its own
        coalesce(records.name_id, '00000000-0000-0000-0000-000000000000'::uuid)
            as name_id
    from collected
    inner join repeated
        on
            collected.key_value = repeated.key_value
            and collected.key_kind = repeated.key_kind
    inner join records
        on collected.planfix_id = records.planfix_id

),

with_first as (

    select
        *,
        min(planfix_id) over (
            partition by identifier_number, kind, name_id
        ) as first_planfix_id
    from holders

),

final as (

    select
        *,
        count(*) filter (
            where
            planfix_id = first_planfix_id
            and name_id <> '00000000-0000-0000-0000-000000000000'::uuid
        ) over (partition by identifier_number, kind) as spelling_count
    from with_first

)

select * from final
