{{ config(indexes=[{'columns': ['customer_id']}]) }}

with

identity_events as (
    select * from {{ ref('int_identity__events') }}
),

plan_identities as (
    select * from {{ ref('publish_plan_identities') }}
),

comparison as (
    select * from {{ ref('publish_comparison') }}
),

-- events are noted once: only those whose change is still to be written. A build that
-- was killed half way would otherwise note those of its finished batches again.
changing_customers as (
    select customer_id from plan_identities
    union
    select previous_customer_id as customer_id from plan_identities
    where previous_customer_id is not null
    union
    select customer_id from comparison
    where table_name = 'customers' and action in ('retire', 'update', 'insert')
),

final as (
    select
        row_number() over (
            order by
                identity_events.customer_id,
                identity_events.event collate "C",  -- noqa: RF02
                identity_events.planfix_id,
                identity_events.other_customer_id
        ) as event_number,
        identity_events.event,
        identity_events.customer_id,
        identity_events.other_customer_id,
        identity_events.planfix_id,
        identity_events.detail
    from identity_events
    left outer join plan_identities
        on identity_events.planfix_id = plan_identities.planfix_id
    left outer join changing_customers
        on
            identity_events.planfix_id is null
            and identity_events.customer_id = changing_customers.customer_id
    where
        plan_identities.planfix_id is not null
        or changing_customers.customer_id is not null
)

select * from final
