-- The row of a customer who turned out to be another one stays as people know it, with
-- the pointer; one that never went live takes the survivor's face. A table of its own,
-- because the live customers and the state of identity are new after each run and these
-- rows seldom: ready.customers is spared.

with

identities as (

    select * from {{ ref('int_identity__customers') }}
    where status = 'merged'

),

live as (

    select * from {{ live_relation('customers') }}

),

-- two readers of one table: a CTE read twice would be copied and lose its index
survivors as (

    select * from {{ ref('int_customers__golden') }}

),

employers as (

    select * from {{ ref('int_customers__golden') }}

),

final as (

    select
        identities.customer_id,
        identities.merged_into_id,
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

)

select * from final
