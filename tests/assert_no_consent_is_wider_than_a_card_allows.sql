-- Fails for a customer, channel and purpose that is granted in the ready table although
-- a card of the customer denies it or calls it unknown, or although no card grants it.
-- Why: a wrong grant sends advertising to people who refused it; merging is where that
-- happens.
-- Does not claim that a grant was rightly recorded in Planfix.
{{ config(meta={'asked_by': 'customer'}) }}

with

ready as (

    select * from {{ ref('customer_consents') }}
    where status = 'granted'

),

stated as (

    select
        assigned.customer_id,
        consents.channel,
        consents.purpose,
        bool_or(consents.status <> 'granted') as is_restricted,
        bool_or(consents.status = 'granted') as is_granted
    from {{ ref('int_contact_consents__normalized') }} as consents
    inner join {{ ref('int_customers__cards') }} as assigned
        on consents.planfix_id = assigned.planfix_id
    group by assigned.customer_id, consents.channel, consents.purpose

)

select
    ready.id,
    ready.customer_id,
    ready.channel,
    ready.purpose
from ready
left outer join stated
    on
        ready.customer_id = stated.customer_id
        and ready.channel = stated.channel
        and ready.purpose = stated.purpose
where
    stated.is_restricted
    or not coalesce(stated.is_granted, false)
