with

-- read three times: see publish_plan_customers
plan as not materialized (
    select * from {{ ref('publish_plan') }}
),

plan_customers as (
    select * from {{ ref('publish_plan_customers') }}
),

identities as (
    select
        plan_customers.batch_number,
        count(*) as identities
    from {{ ref('publish_plan_identities') }} as plan_identities
    inner join plan_customers
        on plan_identities.customer_id = plan_customers.customer_id
    group by plan_customers.batch_number
),

batches as (
    select * from {{ state_relation('batches') }}
),

plan_made as (
    -- all rows have the same; null where there are none
    select (select plan.plan_id from plan limit 1) as plan_id  -- noqa: AM09
),

committed as (
    select max(batch_id) as last_batch_id from batches
),

customers_per_batch as (
    select
        batch_number,
        min(phase) as phase,
        count(*) as customers
    from plan_customers
    group by batch_number
),

rows_per_batch as (
    select
        batch_number,
        count(*) filter (where action = 'insert') as rows_to_insert,
        count(*) filter (where action = 'retire') as rows_to_retire,
        count(*) filter (where action = 'adopt') as rows_to_adopt
    from plan
    where batch_number is not null
    group by batch_number
),

-- apart from the others: counting distinct rows sorts them all
updates_per_batch as (
    select
        batch_number,
        count(distinct table_name || row_key) as rows_to_update
    from plan
    where action = 'update'
    group by batch_number
),

final as (
    select
        customers_per_batch.batch_number,
        customers_per_batch.phase,
        customers_per_batch.customers,
        coalesce(plan_made.plan_id, '{{ invocation_id }}'::uuid) as plan_id,
        coalesce(rows_per_batch.rows_to_insert, 0) as rows_to_insert,
        coalesce(updates_per_batch.rows_to_update, 0) as rows_to_update,
        coalesce(rows_per_batch.rows_to_retire, 0) as rows_to_retire,
        coalesce(rows_per_batch.rows_to_adopt, 0) as rows_to_adopt,
        coalesce(identities.identities, 0) as identities,
        -- a batch committed by another plan after this one was made makes it stale
        coalesce(committed.last_batch_id, 0) as last_batch_id,
        now() as planned_at
    from customers_per_batch
    cross join plan_made
    cross join committed
    left outer join rows_per_batch
        on customers_per_batch.batch_number = rows_per_batch.batch_number
    left outer join updates_per_batch
        on customers_per_batch.batch_number = updates_per_batch.batch_number
    left outer join identities
        on customers_per_batch.batch_number = identities.batch_number
)

select * from final
