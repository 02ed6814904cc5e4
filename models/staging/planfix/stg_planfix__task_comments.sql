with

source as (

    select * from {{ source('planfix_raw', 'task_comments') }}
    where {{ finished_loads('planfix_raw') }}

),

unpacked as (

    select
        source.id as comment_id,
        source.task_id as task_key,
        source.fetched_at,
        source.run_id,
        source._dlt_load_id,
        comment_object.*
    from source
    cross join lateral jsonb_to_record(source.payload) as comment_object (
        "task" jsonb,
        "type" text,
        "fromType" text,
        "description" text,
        owner jsonb,
        "dateTime" jsonb,
        "isDeleted" text,
        "isPinned" text,
        "changeStatus" jsonb,
        "changeTaskStartDate" jsonb,
        "changeTaskExpectDate" jsonb
    )

),

final as (

    select
        -- ids
        comment_id,
        coalesce(task_key, {{ source_id("\"task\" ->> 'id'") }}) as task_id,
        coalesce(substring(owner ->> 'id' from '^([a-z]+):'), 'user') as owner_kind,
        {{ source_id("owner ->> 'id'") }} as owner_id,

        -- text
        {{ tidied("owner ->> 'name'") }} as owner_name,
        {{ trimmed('"type"') }} as comment_type,
        {{ trimmed('"fromType"') }} as from_type,
        {{ trimmed('"description"') }} as body,

        -- booleans
        coalesce(lower("isDeleted") = 'true', false) as is_deleted,
        coalesce(lower("isPinned") = 'true', false) as is_pinned,
        -- entries that Planfix writes itself when a task moves; nobody said anything
        (
            coalesce("changeStatus", 'null') != 'null'
            or coalesce("changeTaskStartDate", 'null') != 'null'
            or coalesce("changeTaskExpectDate", 'null') != 'null'
        ) as is_technical,

        -- times
        coalesce(
            {{ source_instant("(\"dateTime\" ->> 'dateTimeUtcSeconds')") }},
            {{ source_instant("(\"dateTime\" ->> 'datetime')") }}
        ) as commented_at,
        fetched_at,

        -- load
        run_id,
        _dlt_load_id as raw_load_id
    from unpacked

)

select * from final
