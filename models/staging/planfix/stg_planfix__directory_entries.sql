with

source as (

    select * from {{ source('planfix_raw', 'directory_entries') }}
    where {{ finished_loads('planfix_raw') }}

),

final as (

    select
        directory_id,
        key as entry_key,
        {{ source_id("payload ->> 'parentKey'") }} as parent_key,
        {{ tidied("payload ->> 'name'") }} as entry_name,
        coalesce(lower(payload ->> 'archived') = 'true', false) as is_archived,
        coalesce(lower(payload ->> 'isGroup') = 'true', false) as is_group,
        fetched_at,
        run_id,
        _dlt_load_id as raw_load_id
    from source

)

select * from final
