with

members as not materialized (

    select * from {{ ref('int_customers__members') }}

),

legacy_ids as (

    select * from {{ ref('int_contact_legacy_ids__normalized') }}

),

extract_runs as (

    select * from {{ ref('stg_planfix__extract_runs') }}

),

-- the account that was read last names its own web address; the simulator listens on
-- another port each time, and a link that moves with it would rewrite every row
web_addresses as (

    select
        coalesce(
            nullif(rtrim({{ setting_literal('planfix_web_url') }}, '/ '), ''),
            max(web_url)
        ) as web_url
    from (
        select
            case
                when account ~ '^(localhost|127[.])'
                    then 'https://sample.planfix.example'
                else 'https://' || account
            end as web_url
        from extract_runs
        where account is not null
        order by started_at desc nulls last, run_id desc
        limit 1
    ) as newest_run

),

planfix_links as (

    select
        members.customer_id,
        members.planfix_id,
        'planfix' as source_system,
        members.entity_type,
        members.planfix_id::text as external_id,
        web_addresses.web_url || '/contact/' || members.planfix_id as url,
        members.match_rule,
        members.source_updated_at
    from members
    cross join web_addresses

),

-- a foreign id names one thing: two customers that claim it would break the unique key
-- of the CRM, so the older card keeps it and the other claim goes to quarantine
legacy_claims as (

    select
        members.customer_id,
        members.planfix_id,
        legacy_ids.source_system,
        members.entity_type,
        legacy_ids.external_id,
        members.source_updated_at,
        first_value(members.customer_id) over claims as holder_id,
        row_number() over claims as claim_number
    from legacy_ids
    inner join members on legacy_ids.planfix_id = members.planfix_id
    window claims as (
        partition by
            legacy_ids.source_system, members.entity_type, legacy_ids.external_id
        order by members.planfix_id asc
    )

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
        claim_number = 1 as is_held
    from legacy_claims
    -- a second card of the same customer adds nothing
    where
        claim_number = 1
        or customer_id <> holder_id

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
