-- Apart from the links to Planfix: who holds a foreign id is settled between clients,
-- and few cards have one.

with

members as not materialized (

    select * from {{ ref('int_customers__members') }}

),

legacy_ids as (

    select * from {{ ref('int_contact_legacy_ids__normalized') }}

),

-- a foreign id names one thing: two customers that claim it would break the unique key
-- of the CRM, so the older card keeps it and the other claim goes to quarantine
claims as (

    select
        members.customer_id,
        members.planfix_id,
        legacy_ids.source_system,
        members.entity_type,
        legacy_ids.external_id,
        members.source_updated_at,
        first_value(members.customer_id) over claimed as holder_id,
        row_number() over claimed as claim_number
    from legacy_ids
    inner join members on legacy_ids.planfix_id = members.planfix_id
    window claimed as (
        partition by
            legacy_ids.source_system, members.entity_type, legacy_ids.external_id
        order by members.planfix_id asc
    )

),

final as (

    select
        customer_id,
        planfix_id,
        source_system,
        entity_type,
        external_id,
        source_updated_at,
        claim_number = 1 as is_held
    from claims
    -- a second card of the same customer adds nothing
    where
        claim_number = 1
        or customer_id <> holder_id

)

select * from final
