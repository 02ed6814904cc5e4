-- The relation and its columns belong to the CRM and are named by vars.

with

source as (

    {{ crm_relation('crm_users') }}

),

final as (

    select
        {{ trimmed('user_id') }} as riderra_user_id,
        lower({{ trimmed('email') }}) as email,
        {{ tidied('user_name') }} as user_name,
        coalesce(lower(is_active) in ('true', 't', '1', 'yes', 'active'), true)
            as is_active
    from source

)

select * from final
