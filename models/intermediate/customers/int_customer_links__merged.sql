with

members as not materialized (

    select * from {{ ref('int_customers__members') }}

),

legacy_claims as (

    select * from {{ ref('int_customer_legacy_ids__claimed') }}

),

accounts as (

    select * from {{ ref('int_planfix_accounts__latest') }}

),

planfix_links as (

    select
        members.customer_id,
        members.planfix_id,
        'planfix' as source_system,
        members.entity_type,
        members.planfix_id::text as external_id,
        accounts.web_url || '/contact/' || members.planfix_id as url,
        members.match_rule,
        members.source_updated_at
    from members
    cross join accounts

),

combined as (

    select
        *,
        true as is_held
    from planfix_links
    union all
    select
        customer_id,
        planfix_id,
        source_system,
        entity_type,
        external_id,
        null as url,
        'custom_field' as match_rule,
        source_updated_at,
        is_held
    from legacy_claims

),

final as (

    select
        -- without the customer: a card that moves to another one keeps its row
        {{ child_id(['source_system', 'entity_type', 'external_id']) }} as id,
        customer_id,
        planfix_id,
        source_system,
        entity_type,
        external_id,
        url,
        match_rule,
        source_updated_at,
        is_held
    from combined

)

select * from final
