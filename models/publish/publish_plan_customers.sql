{{
    config(
        indexes=[
            {'columns': ['customer_id'], 'unique': true},
            {'columns': ['batch_number']},
        ]
    )
}}

with

-- read twice: put aside, these rows would go to disk once more and from there
-- through one core
comparison as not materialized (
    select * from {{ ref('publish_comparison') }}
),

plan_events as not materialized (
    select * from {{ ref('publish_plan_events') }}
),

plan_identities as not materialized (
    select * from {{ ref('publish_plan_identities') }}
),

kinds as (
    select
        id as customer_id,
        kind
    from {{ ref('customers') }}
    union all
    select
        live_customers.id as customer_id,
        live_customers.kind
    from {{ live_relation('customers') }} as live_customers
    left outer join {{ ref('customers') }} as ready_customers
        on live_customers.id = ready_customers.id
    where ready_customers.id is null
),

-- merges, splits and moves concern several customers at once: one transaction for all
entangled as (
    select customer_id from plan_events
    where other_customer_id is not null
    union
    select other_customer_id as customer_id from plan_events
    where other_customer_id is not null
    union
    select customer_id from plan_identities
    where previous_customer_id <> customer_id
    union
    select previous_customer_id as customer_id from plan_identities
    where previous_customer_id <> customer_id
    union
    select named.customer_id
    from comparison
    cross join
        lateral (
            values
            (comparison.customer_id),
            (comparison.previous_customer_id),
            ((comparison.overrides ->> 'merged_into_id')::uuid)
        ) as named (customer_id)
    where
        comparison.action = 'update'
        and (
            comparison.previous_customer_id <> comparison.customer_id
            or comparison.reason = 'customer_merged'
        )
        and named.customer_id is not null
),

rows_to_write as (
    select
        customer_id,
        count(*) as planned_rows
    from comparison
    where
        action in ('insert', 'update', 'retire', 'adopt')
        or reason = 'gone_on_both_sides'
        -- a keep or a conflict may have another group on which both sides agree by now
        or 'agree' = any(group_actions)
    group by customer_id
),

identities_to_write as (
    select customer_id from plan_identities
    union
    select customer_id from plan_events
),

to_write as (
    select
        coalesce(rows_to_write.customer_id, identities_to_write.customer_id)
            as customer_id,
        coalesce(rows_to_write.planned_rows, 0) as planned_rows
    from rows_to_write
    full outer join identities_to_write
        on rows_to_write.customer_id = identities_to_write.customer_id
),

phased as (
    select
        to_write.customer_id,
        to_write.planned_rows,
        case
            when entangled.customer_id is not null then 2
            when kinds.kind = 'company' then 1
            else 3
        end as phase
    from to_write
    left outer join entangled on to_write.customer_id = entangled.customer_id
    left outer join kinds on to_write.customer_id = kinds.customer_id
),

numbered as (
    select
        customer_id,
        planned_rows,
        phase,
        case
            when phase = 2 then 0
            else
                (row_number() over (partition by phase order by customer_id) - 1)
                / {{ setting('publish_batch_size') | int }}
        end as position_in_phase
    from phased
),

final as (
    select
        customer_id,
        planned_rows,
        phase,
        dense_rank() over (order by phase, position_in_phase)::int as batch_number
    from numbered
)

select * from final
