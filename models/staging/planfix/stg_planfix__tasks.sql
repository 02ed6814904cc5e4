with

source as (

    select * from {{ source('planfix_raw', 'tasks') }}
    where {{ finished_loads('planfix_raw') }}

),

unpacked as (

    select
        source.id as task_id,
        source.counterparty_id,
        source.custom_fields,
        source.fetched_at,
        source.run_id,
        source._dlt_load_id,
        task_object.*
    from source
    cross join lateral jsonb_to_record(source.payload) as task_object (
        "name" text,
        "template" jsonb,
        "status" jsonb,
        "counterparty" jsonb,
        "assigner" jsonb,
        "dateTime" jsonb,
        "dateOfLastUpdate" jsonb,
        "startDateTime" jsonb,
        "isDeleted" text
    )

),

final as (

    select
        -- ids
        task_id,
        coalesce(counterparty_id, {{ source_id("\"counterparty\" ->> 'id'") }})
            as counterparty_planfix_id,
        {{ source_id("\"template\" ->> 'id'") }} as template_id,

        -- text
        {{ tidied('"name"') }} as task_name,
        {{ tidied("\"status\" ->> 'name'") }} as status_name,
        {{ tidied("\"counterparty\" ->> 'name'") }} as counterparty_name,
        custom_fields,

        -- booleans
        coalesce(lower("isDeleted") = 'true', false) as is_deleted,

        -- times
        coalesce(
            {{ source_instant("(\"dateTime\" ->> 'dateTimeUtcSeconds')") }},
            {{ source_instant("(\"dateTime\" ->> 'datetime')") }}
        ) as created_at,
        coalesce(
            {{ source_instant("(\"dateOfLastUpdate\" ->> 'dateTimeUtcSeconds')") }},
            {{ source_instant("(\"dateOfLastUpdate\" ->> 'datetime')") }}
        ) as updated_at,
        coalesce(
            {{ source_instant("(\"startDateTime\" ->> 'dateTimeUtcSeconds')") }},
            {{ source_instant("(\"startDateTime\" ->> 'datetime')") }}
        ) as planned_start_at,
        fetched_at,

        -- load
        run_id,
        _dlt_load_id as raw_load_id
    from unpacked

)

select * from final
