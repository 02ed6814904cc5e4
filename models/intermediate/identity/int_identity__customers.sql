-- Every customer id there ever was and what became of it: an id is never given away and
-- never dangles.

with recursive

matched as not materialized (

    select * from {{ ref('int_identity__matched') }}

),

assigned as (

    select * from {{ ref('int_identity__assigned') }}

),

identity as (

    select * from {{ state_relation('customer_identity') }}

),

events as (

    select * from {{ state_relation('identity_events') }}

),

-- ids that had records until now and have none any more
vacated as (

    select
        identity.customer_id,
        assigned.customer_id as next_customer_id,
        count(assigned.planfix_id) as moved_records,
        min(identity.planfix_id) as first_planfix_id
    from identity
    left outer join matched
        on identity.customer_id = matched.customer_id
    left outer join assigned
        on identity.planfix_id = assigned.planfix_id
    where matched.customer_id is null
    group by identity.customer_id, assigned.customer_id

),

vacated_now as (

    select distinct on (customer_id)
        customer_id,
        next_customer_id
    from vacated
    order by customer_id asc, moved_records desc, first_planfix_id asc

),

-- ids that lost their records in an earlier run
vacated_before as (

    select distinct on (customer_id)
        customer_id,
        other_customer_id as next_customer_id
    from events
    where
        event = 'retire'
        and customer_id is not null
    order by customer_id asc, event_id desc

),

successors as (

    select * from vacated_now

    union all

    select vacated_before.*
    from vacated_before
    left outer join vacated_now
        on vacated_before.customer_id = vacated_now.customer_id
    left outer join matched
        on vacated_before.customer_id = matched.customer_id
    where
        vacated_now.customer_id is null
        and matched.customer_id is null

),

-- a short walk: as many steps as an id's successors were themselves merged
followed as (

    select
        customer_id,
        next_customer_id,
        1 as steps
    from successors

    union all

    select
        followed.customer_id,
        successors.next_customer_id,
        followed.steps + 1 as steps
    from followed
    inner join successors
        on followed.next_customer_id = successors.customer_id
    where
        followed.steps < 100
        and successors.next_customer_id is not null

),

settled as (

    select distinct on (customer_id)
        customer_id,
        next_customer_id
    from followed
    order by customer_id asc, steps desc

),

final as (

    select
        customer_id,
        cluster_id,
        'active' as status,
        null::uuid as merged_into_id
    from matched

    union all

    select
        customer_id,
        null as cluster_id,
        case when next_customer_id is null then 'retired' else 'merged' end as status,
        next_customer_id as merged_into_id
    from settled

)

select * from final
