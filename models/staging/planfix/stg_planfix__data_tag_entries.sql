with

source as (

    select * from {{ source('planfix_raw', 'data_tag_entries') }}
    where {{ finished_loads('planfix_raw') }}

),

final as (

    select
        data_tag_id,
        key as entry_key,
        coalesce(contact_id, {{ source_id("payload #>> '{contact,id}'") }})
            as planfix_id,
        coalesce(task_id, {{ source_id("payload #>> '{task,id}'") }}) as task_id,
        {{ source_id("payload ->> 'commentId'") }} as comment_id,
        {{ tidied("payload #>> '{dataTag,name}'") }} as data_tag_name,
        custom_fields,
        fetched_at,
        run_id,
        _dlt_load_id as raw_load_id
    from source

)

select * from final
