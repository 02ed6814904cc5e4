with

source as (

    select * from {{ source('planfix_raw', 'id_sweep') }}
    where {{ finished_loads('planfix_raw') }}

),

final as (

    select
        sweep_id,
        id as planfix_id,
        coalesce(is_company, false) as is_company,
        updated_at
    from source

)

select * from final
