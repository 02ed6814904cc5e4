-- Which customer id each cluster bears: the published one it shares most records with,
-- ties to the older id; an id goes to one cluster only. A cluster that is left without
-- gets the id made from its first record.
{{ config(pre_hook="{{ matching_functions() }}") }}

with

clusters as not materialized (

    select * from {{ ref('int_clusters__final') }}

),

identity as not materialized (

    select * from {{ state_relation('customer_identity') }}

),

events as (

    select * from {{ state_relation('identity_events') }}

),

shared_ids as (

    select
        clusters.cluster_id,
        identity.customer_id,
        count(*) as shared_records,
        min(clusters.planfix_id) as first_shared_planfix_id
    from clusters
    inner join identity
        on clusters.planfix_id = identity.planfix_id
    group by clusters.cluster_id, identity.customer_id

),

crowded_clusters as (

    select cluster_id
    from shared_ids
    group by cluster_id
    having count(*) > 1

),

crowded_ids as (

    select customer_id
    from shared_ids
    group by customer_id
    having count(*) > 1

),

-- nearly every cluster shares records with one id, and that id with it alone: only of
-- the others it has to be settled who comes first
contested as (

    select
        shared_ids.*,
        crowded_clusters.cluster_id is not null
        or crowded_ids.customer_id is not null as is_contested
    from shared_ids
    left outer join crowded_clusters
        on shared_ids.cluster_id = crowded_clusters.cluster_id
    left outer join crowded_ids
        on shared_ids.customer_id = crowded_ids.customer_id

),

-- an id is as old as the oldest membership that it has
customers as (

    select
        customer_id,
        min(assigned_at) as assigned_at,
        min(planfix_id) as first_planfix_id
    from identity
    group by customer_id

),

ranked as (

    select
        contested.cluster_id,
        contested.customer_id,
        dense_rank() over (order by contested.cluster_id)::int as cluster_number,
        dense_rank() over (order by contested.customer_id)::int as customer_number,
        row_number() over (
            order by
                contested.shared_records desc,
                customers.assigned_at asc,
                customers.first_planfix_id asc,
                contested.first_shared_planfix_id asc
        ) as preference
    from contested
    inner join customers
        on contested.customer_id = customers.customer_id
    where contested.is_contested

),

verdicts as materialized (

    select
        verdict.is_taken,
        verdict.preference
    from (
        select
            array_agg(cluster_number order by preference) as cluster_numbers,
            array_agg(customer_number order by preference) as customer_numbers
        from ranked
    ) as pairs
    cross join lateral unnest({{ matching_schema() }}.assign_greedily(
        pairs.cluster_numbers, pairs.customer_numbers
    )) with ordinality as verdict (is_taken, preference)

),

kept as (

    select
        cluster_id,
        customer_id
    from contested
    where not is_contested

    union all

    select
        ranked.cluster_id,
        ranked.customer_id
    from ranked
    inner join verdicts
        on ranked.preference = verdicts.preference
    where verdicts.is_taken

),

without_id as (

    select clusters.*
    from clusters
    left outer join kept
        on clusters.cluster_id = kept.cluster_id
    where kept.cluster_id is null

),

first_records as (

    select
        without_id.planfix_id,
        without_id.cluster_id,
        made.customer_id
    from without_id
    {{ python_function_answers(
        'uuid_v5', ["'planfix:' || without_id.planfix_id"], 'made (customer_id)'
    ) }}
    where without_id.planfix_id = without_id.cluster_id

),

-- After a split the first record's id may stay with the other part: then the next
-- record's serves, and where all are in use, one made from the point in history at
-- which the parts separated.
other_records as (

    select
        without_id.planfix_id,
        without_id.cluster_id,
        {{ function('uuid_v5') }}('planfix:' || without_id.planfix_id) as customer_id
    from without_id
    inner join first_records
        on without_id.cluster_id = first_records.cluster_id
    inner join customers
        on first_records.customer_id = customers.customer_id
    where without_id.planfix_id <> without_id.cluster_id

),

free_ids as (

    select distinct on (candidates.cluster_id)
        candidates.cluster_id,
        candidates.customer_id
    from (
        select * from first_records
        union all
        select * from other_records
    ) as candidates
    left outer join customers
        on candidates.customer_id = customers.customer_id
    where customers.customer_id is null
    order by candidates.cluster_id, candidates.planfix_id

),

history as (

    select coalesce(max(event_id), 0) as last_event_id
    from events

),

minted as (

    select
        first_records.cluster_id,
        coalesce(
            free_ids.customer_id,
            overlay(
                overlay(
                    md5(concat(
                        'planfix:', first_records.planfix_id,
                        ':', first_records.customer_id,
                        ':', history.last_event_id
                    )) placing '8' from 13
                ) placing 'a' from 17
            )::uuid
        ) as customer_id
    from first_records
    cross join history
    left outer join free_ids
        on first_records.cluster_id = free_ids.cluster_id

),

final as (

    select
        cluster_id,
        customer_id,
        false as is_new
    from kept

    union all

    select
        cluster_id,
        customer_id,
        true as is_new
    from minted

)

select * from final
