{{ config(unlogged=false) }}

with

tags as (

    select * from {{ ref('int_contact_tags__unmapped') }}

),

reasons as (

    select * from {{ ref('reason_codes') }}
    where reason_code = 'unmapped_tag'

),

first_seen as (

    {{ first_seen(this, 'worklist_key') }}

),

keyed as (

    select
        'tag:' || source_kind || ':' || md5(source_value) as worklist_key,
        source_kind,
        source_value,
        record_count as records,
        example_planfix_id
    from tags

),

final as (

    select
        keyed.worklist_key,
        keyed.source_kind,
        keyed.source_value,
        keyed.records,
        keyed.example_planfix_id,
        reasons.reason_code,
        reasons.sentence,
        reasons.owner,
        reasons.action,
        null::text as answer_target_kind,
        null::text as answer_target_tag,
        null::text as answer_action,
        null::text as answered_by,
        null::text as reviewed_by,
        coalesce(
            first_seen.first_seen_at,
            '{{ run_started_at.isoformat() }}'::timestamptz
        ) as first_seen_at
    from keyed
    cross join reasons
    left outer join first_seen on keyed.worklist_key = first_seen.worklist_key

)

select * from final
