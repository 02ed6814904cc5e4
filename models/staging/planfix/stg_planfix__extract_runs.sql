with

source as (

    select * from {{ source('planfix_raw', 'extract_runs') }}
    where {{ finished_loads('planfix_raw') }}

),

final as (

    select
        run_id,
        mode as extract_mode,
        status,
        operator,
        account,
        requests_used,
        requests_floor,
        started_at,
        finished_at,
        window_from,
        window_to,
        _dlt_load_id as raw_load_id
    from source

)

select * from final
