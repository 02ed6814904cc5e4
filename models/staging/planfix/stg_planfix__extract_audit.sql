with

source as (

    select * from {{ source('planfix_raw', 'extract_audit') }}
    where {{ finished_loads('planfix_raw') }}

),

final as (

    select
        run_id,
        object as object_name,
        verdict,
        detail,
        expected,
        loaded,
        difference,
        checked_at,
        _dlt_load_id as raw_load_id
    from source

)

select * from final
