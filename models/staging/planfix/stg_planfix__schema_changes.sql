with

source as (

    select * from {{ source('planfix_raw', 'schema_changes') }}
    where {{ finished_loads('planfix_raw') }}

),

final as (

    select
        run_id,
        field_id as custom_field_id,
        object_type,
        change as change_kind,
        before as value_before,
        after as value_after,
        noticed_at,
        _dlt_load_id as raw_load_id
    from source

)

select * from final
