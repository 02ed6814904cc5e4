with

source as (

    select * from {{ source('planfix_raw', 'id_sweep_runs') }}
    where {{ finished_loads('planfix_raw') }}

),

final as (

    select
        sweep_id,
        ids_seen,
        coalesce(is_complete, false) as is_complete,
        started_at,
        finished_at
    from source

)

select * from final
