with

consents as (

    select * from {{ ref('int_contact_consents__normalized') }}

),

members as not materialized (

    select * from {{ ref('int_customers__members') }}

),

contact_points as (

    select * from {{ ref('int_contact_points__normalized') }}

),

stated as (

    select
        members.customer_id,
        consents.planfix_id,
        consents.channel,
        consents.purpose,
        consents.status,
        consents.source,
        consents.evidence,
        consents.captured_at,
        members.record_count
    from consents
    inner join members on consents.planfix_id = members.planfix_id

),

-- A card that grants speaks for the addresses on it. Where another card of the customer
-- brings an address of its own for that channel and says nothing, the grant would reach
-- an address nobody spoke about: such a customer counts as unknown.
granted as (

    select distinct
        customer_id,
        channel,
        purpose
    from stated
    where
        status = 'granted'
        and record_count > 1

),

addresses as (

    select
        granted.customer_id,
        granted.channel,
        granted.purpose,
        contact_points.channel as address_channel,
        contact_points.value,
        min(members.planfix_id) as planfix_id,
        bool_or(stated.planfix_id is not null) as is_covered
    from granted
    inner join members on granted.customer_id = members.customer_id
    inner join contact_points
        on
            members.planfix_id = contact_points.planfix_id
            and (
                granted.channel = contact_points.channel
                -- a messenger bound to a number is reached by any number
                or (
                    granted.channel in ('whatsapp', 'viber', 'sms')
                    and contact_points.channel = 'phone'
                )
            )
    left outer join stated
        on
            members.planfix_id = stated.planfix_id
            and granted.channel = stated.channel
            and granted.purpose = stated.purpose
    group by
        granted.customer_id, granted.channel, granted.purpose,
        contact_points.channel, contact_points.value

),

silent as (

    select
        customer_id,
        channel,
        purpose,
        min(planfix_id) as planfix_id
    from addresses
    where not is_covered
    group by customer_id, channel, purpose

),

opinions as (

    select
        customer_id,
        planfix_id,
        channel,
        purpose,
        status,
        source,
        evidence,
        captured_at
    from stated
    union all
    select
        customer_id,
        planfix_id,
        channel,
        purpose,
        'unknown' as status,
        'merge' as source,
        'a merged card brings an address of its own and states nothing' as evidence,
        null as captured_at
    from silent

),

-- denied before unknown before granted; among equals the latest
strictest as (

    select distinct on (customer_id, channel, purpose)
        customer_id,
        planfix_id,
        channel,
        purpose,
        status,
        source,
        evidence,
        captured_at
    from opinions
    order by
        customer_id asc,
        channel asc,
        purpose asc,
        case status when 'denied' then 1 when 'granted' then 3 else 2 end asc,
        captured_at desc nulls last,
        planfix_id asc,
        source collate "C" asc

),

final as (

    select
        {{ child_id(['customer_id', 'channel', 'purpose']) }} as id,
        customer_id,
        planfix_id,
        channel,
        purpose,
        status,
        source,
        evidence,
        captured_at
    from strictest

)

select * from final
