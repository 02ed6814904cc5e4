with

golden as (

    select * from {{ ref('int_customers__golden') }}

),

-- three readers of one table: a CTE read thrice would be copied and lose its index
survivors as (

    select * from {{ ref('int_customers__golden') }}

),

employers as (

    select * from {{ ref('int_customers__golden') }}

),

identities as (

    select * from {{ ref('int_identity__customers') }}
    where status = 'merged'

),

live as (

    select * from {{ live_relation('customers') }}

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

-- the row of a customer who turned out to be another one stays as people know it, with
-- the pointer; one that never went live takes the survivor's face
merged_customers as (

    select
        identities.customer_id as id,
        nullif({{ setting_literal('tenant_id') }}, '') as tenant_id,
        coalesce(live.kind, survivors.kind) as kind,
        coalesce(live.display_name, survivors.display_name) as display_name,
        live.given_name,
        live.family_name,
        live.middle_name,
        live.company_name,
        employers.customer_id as company_id,
        live.position,
        live.website,
        live.address,
        live.city,
        live.country_code::text as country_code,
        live.language,
        live.timezone,
        live.birth_date,
        live.gender,
        live.owner_user_id,
        coalesce(live.incomplete_profile, survivors.incomplete_profile)
            as incomplete_profile,
        'merged' as status,
        identities.merged_into_id,
        coalesce(live.source_created_at, survivors.source_created_at)
            as source_created_at,
        coalesce(live.source_updated_at, survivors.source_updated_at)
            as source_updated_at
    from identities
    left outer join survivors on identities.merged_into_id = survivors.customer_id
    left outer join live on identities.customer_id = live.id
    left outer join employers
        on
            live.company_id = employers.customer_id
            and employers.status = 'active'
    where coalesce(live.display_name, survivors.display_name) is not null

),

combined as (

    select * from current_customers
    union all
    select * from merged_customers

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
