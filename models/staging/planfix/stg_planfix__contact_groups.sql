with

source as (

    select * from {{ source('planfix_raw', 'contact_groups') }}
    where {{ finished_loads('planfix_raw') }}

),

final as (

    select
        id as group_id,
        {{ tidied("payload ->> 'name'") }} as group_name,
        fetched_at,
        run_id,
        _dlt_load_id as raw_load_id
    from source

)

select * from final
