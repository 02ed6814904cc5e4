with

source as (

    select * from {{ source('planfix_raw', 'data_tags') }}
    where {{ finished_loads('planfix_raw') }}

),

final as (

    select
        id as data_tag_id,
        {{ tidied("payload ->> 'name'") }} as data_tag_name,
        {{ tidied("payload #>> '{group,name}'") }} as data_tag_group,
        fetched_at,
        run_id,
        _dlt_load_id as raw_load_id
    from source

)

select * from final
