with

source as (

    select * from {{ source('planfix_raw', 'contact_templates') }}
    where {{ finished_loads('planfix_raw') }}

),

final as (

    select
        id as template_id,
        {{ tidied("payload ->> 'name'") }} as template_name,
        coalesce(is_company, lower(payload ->> 'isCompany') = 'true', false)
            as is_company,
        fetched_at,
        run_id,
        _dlt_load_id as raw_load_id
    from source

)

select * from final
