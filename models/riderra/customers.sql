with

golden as (

    select * from {{ ref('int_customers__golden') }}

),

merged_customers as (

    select * from {{ ref('int_customers__merged_away') }}

),

current_customers as (

    select
        customer_id as id,
        nullif({{ setting_literal('tenant_id') }}, '') as tenant_id,
        kind,
        display_name,
        given_name,
        family_name,
        middle_name,
        company_name,
        company_id,
        position,
        website,
        address,
        city,
        country_code,
        language,
        timezone,
        birth_date,
        gender,
        owner_user_id,
        incomplete_profile,
        status,
        null::uuid as merged_into_id,
        source_created_at,
        source_updated_at
    from golden

),

combined as (

    select * from current_customers
    union all
    select
        customer_id as id,
        nullif({{ setting_literal('tenant_id') }}, '') as tenant_id,
        kind,
        display_name,
        given_name,
        family_name,
        middle_name,
        company_name,
        company_id,
        position,
        website,
        address,
        city,
        country_code,
        language,
        timezone,
        birth_date,
        gender,
        owner_user_id,
        incomplete_profile,
        'merged' as status,
        merged_into_id,
        source_created_at,
        source_updated_at
    from merged_customers

),

final as (

    select
        id,
        tenant_id,
        kind,
        display_name,
        given_name,
        family_name,
        middle_name,
        company_name,
        company_id,
        position,
        website,
        address,
        city,
        country_code::char(2) as country_code,
        language,
        timezone,
        birth_date,
        gender,
        owner_user_id,
        incomplete_profile,
        status,
        merged_into_id,
        source_created_at,
        source_updated_at
    from combined

)

select * from final
-- a batch of the publisher finds its rows side by side
order by id
