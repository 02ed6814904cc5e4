-- What this run changes about identities, for the publisher to note down beside the
-- rows it writes. Replaying all events in order gives migration.customer_identity.

with

assigned as (

    select * from {{ ref('int_identity__assigned') }}
    where change <> 'keep'

),

customers as not materialized (

    select * from {{ ref('int_identity__customers') }}

),

earlier_events as (

    select * from {{ state_relation('identity_events') }}

),

last_states as (

    select distinct on (customer_id)
        customer_id,
        event,
        other_customer_id
    from earlier_events
    where event in ('retire', 'revive')
    order by customer_id asc, event_id desc

),

record_events as (

    select
        change as event,
        customer_id,
        previous_customer_id as other_customer_id,
        planfix_id,
        match_rule as detail
    from assigned

),

-- an id that is left without a record, once; and again only when its successor is
-- another
retirements as (

    select
        'retire' as event,
        customers.customer_id,
        customers.merged_into_id as other_customer_id,
        null::bigint as planfix_id,
        customers.status as detail
    from customers
    left outer join last_states
        on customers.customer_id = last_states.customer_id
    where
        customers.status <> 'active'
        and (
            last_states.event is distinct from 'retire'
            or last_states.other_customer_id is distinct from customers.merged_into_id
        )

),

-- its card came back, or a merge was undone
revivals as (

    select
        'revive' as event,
        customers.customer_id,
        null::uuid as other_customer_id,
        null::bigint as planfix_id,
        null as detail
    from customers
    inner join last_states
        on customers.customer_id = last_states.customer_id
    where
        customers.status = 'active'
        and last_states.event = 'retire'

),

every_event as (

    select * from record_events

    union all

    select * from retirements

    union all

    select * from revivals

),

final as (

    select
        md5(concat(event, '|', customer_id, '|', other_customer_id, '|', planfix_id))
            as event_key,
        event,
        customer_id,
        other_customer_id,
        planfix_id,
        detail
    from every_event

)

select * from final
