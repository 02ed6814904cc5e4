with

source as (

    select * from {{ source('planfix_raw', 'directories') }}
    where {{ finished_loads('planfix_raw') }}

),

final as (

    select
        id as directory_id,
        {{ tidied("payload ->> 'name'") }} as directory_name,
        fetched_at,
        run_id,
        _dlt_load_id as raw_load_id
    from source

)

select * from final
