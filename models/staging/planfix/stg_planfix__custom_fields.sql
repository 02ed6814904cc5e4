with

source as (

    select * from {{ source('planfix_raw', 'custom_fields') }}
    where {{ finished_loads('planfix_raw') }}

),

final as (

    select
        id as custom_field_id,
        coalesce(object_type, {{ source_bigint("(payload ->> 'objectType')") }})
            as object_type,
        {{ tidied("payload ->> 'name'") }} as field_name,
        {{ source_bigint("(payload ->> 'type')") }} as field_type,
        {{ source_id("payload ->> 'directoryId'") }} as directory_id,
        {{ json_array("payload -> 'enumValues'") }} as enum_values,
        fetched_at,
        run_id,
        _dlt_load_id as raw_load_id
    from source

)

select * from final
