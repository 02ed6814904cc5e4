{{ config(unlogged=false) }}

with

-- the raw objects, because only their keys count here: unpacking every value of every
-- card would cost more than the rest of the worklists together
contacts as (

    select * from {{ source('planfix_raw', 'contacts') }}
    where {{ finished_loads('planfix_raw') }}

),

tasks as (

    select * from {{ ref('stg_planfix__tasks') }}

),

custom_fields as (

    select * from {{ ref('stg_planfix__custom_fields') }}

),

mapping as (

    select * from {{ ref('custom_field_mapping') }}

),

reasons as (

    select * from {{ ref('reason_codes') }}
    where reason_code = 'unmapped_custom_field'

),

first_seen as (

    {{ first_seen(this, 'worklist_key') }}

),

used as (

    select
        'contact' as object_type,
        field.field_id,
        count(*) as records,
        min(contacts.id) as example_id
    from contacts
    cross join
        lateral jsonb_object_keys(
            case
                when jsonb_typeof(contacts.custom_fields) = 'object'
                    then contacts.custom_fields
            end
        ) as field (field_id)
    group by field.field_id

    union all

    select
        'task' as object_type,
        field.field_id,
        count(*) as records,
        min(tasks.task_id) as example_id
    from tasks
    cross join
        lateral jsonb_object_keys(
            case
                when jsonb_typeof(tasks.custom_fields) = 'object'
                    then tasks.custom_fields
            end
        ) as field (field_id)
    group by field.field_id

),

-- one field can belong to contacts and tasks; its name is the same
names as (

    select distinct on (custom_field_id)
        custom_field_id::text as field_id,
        field_name,
        field_type
    from custom_fields
    order by custom_field_id asc, fetched_at desc nulls last

),

unmapped as (

    select
        'custom_field:' || used.object_type || ':' || used.field_id as worklist_key,
        used.object_type,
        used.field_id as custom_field_id,
        names.field_name,
        names.field_type,
        used.records,
        used.example_id
    from used
    left outer join names on used.field_id = names.field_id
    where not exists (
        select 1
        from mapping
        where
            used.object_type = lower(mapping.object_type)
            and used.field_id = mapping.custom_field_id::text
    )

),

final as (

    select
        unmapped.worklist_key,
        unmapped.object_type,
        unmapped.custom_field_id,
        unmapped.field_name,
        unmapped.field_type,
        unmapped.records,
        unmapped.example_id,
        reasons.reason_code,
        reasons.sentence,
        reasons.owner,
        reasons.action,
        null::text as answer_target,
        null::text as answered_by,
        null::text as reviewed_by,
        coalesce(
            first_seen.first_seen_at,
            '{{ run_started_at.isoformat() }}'::timestamptz
        ) as first_seen_at
    from unmapped
    cross join reasons
    left outer join first_seen on unmapped.worklist_key = first_seen.worklist_key

)

select * from final
