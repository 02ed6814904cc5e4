-- Pairs that hang together are one case. Cases are asked in the order of what an answer
-- moves, as long as they keep within the share of records that may wait for a person;
-- the rest stays unmerged and is counted.
{{ config(pre_hook="{{ matching_functions() }}") }}

with

pairs as not materialized (

    select * from {{ ref('int_review_pairs__collected') }}

),

clusters as not materialized (

    select * from {{ ref('int_clusters__final') }}

),

trips as (

    select * from {{ ref('int_match_trips__attributed') }}

),

consents as (

    select * from {{ ref('int_contact_consents__normalized') }}

),

sides as (

    select distinct cluster_id
    from (
        select left_cluster_id as cluster_id from pairs
        union all
        select right_cluster_id as cluster_id from pairs
    ) as every_side

),

numbered as (

    select
        cluster_id,
        row_number() over (order by cluster_id)::int as side_number
    from sides

),

numbered_pairs as (

    select
        pairs.*,
        left_side.side_number as left_number,
        right_side.side_number as right_number
    from pairs
    inner join numbered as left_side
        on pairs.left_cluster_id = left_side.cluster_id
    inner join numbered as right_side
        on pairs.right_cluster_id = right_side.cluster_id

),

labelled as materialized (

    select
        labels.side_number::int as side_number,
        labels.case_number
    from (
        select
            array_agg(left_number) as left_numbers,
            array_agg(right_number) as right_numbers
        from numbered_pairs
    ) as edge_arrays
    cross join lateral unnest({{ matching_schema() }}.connected_components(
        edge_arrays.left_numbers,
        edge_arrays.right_numbers,
        (select count(*)::int from numbered)
    )) with ordinality as labels (case_number, side_number)

),

case_pairs as (

    select
        labelled.case_number,
        numbered_pairs.left_planfix_id,
        numbered_pairs.right_planfix_id,
        numbered_pairs.left_cluster_id,
        numbered_pairs.right_cluster_id,
        numbered_pairs.rule_id,
        numbered_pairs.strength
    from numbered_pairs
    inner join labelled
        on numbered_pairs.left_number = labelled.side_number

),

trip_counts as (

    select
        planfix_id,
        count(distinct trip_key) as trip_count
    from trips
    group by planfix_id

),

consent_counts as (

    select
        planfix_id,
        count(*) as consent_count
    from consents
    group by planfix_id

),

record_weights as (

    select
        clusters.planfix_id,
        clusters.cluster_id,
        1
        + coalesce(trip_counts.trip_count, 0)
        + coalesce(consent_counts.consent_count, 0) as weight
    from clusters
    inner join sides
        on clusters.cluster_id = sides.cluster_id
    left outer join trip_counts
        on clusters.planfix_id = trip_counts.planfix_id
    left outer join consent_counts
        on clusters.planfix_id = consent_counts.planfix_id

),

cluster_weights as (

    select
        cluster_id,
        count(*) as record_count,
        sum(weight) as weight
    from record_weights
    group by cluster_id

),

case_clusters as (

    select
        labelled.case_number,
        cluster_weights.cluster_id,
        cluster_weights.record_count,
        cluster_weights.weight
    from numbered
    inner join labelled
        on numbered.side_number = labelled.side_number
    inner join cluster_weights
        on numbered.cluster_id = cluster_weights.cluster_id

),

-- what an answer moves is everything but the part that would stay where it is
case_weights as (

    select
        case_number,
        sum(record_count) as record_count,
        sum(weight) - max(weight) as moved_weight,
        min(cluster_id) as first_planfix_id
    from case_clusters
    group by case_number

),

case_rules as (

    select
        case_number,
        count(*) as pair_count,
        -- decisions that contradict each other come first, likeness of names alone last
        case
            when max(strength) >= 9 then 1
            when max(strength) >= 5 then 2
            else 3
        end as rule_group,
        (array_agg(rule_id order by strength desc, rule_id asc))[1] as reason_code
    from case_pairs
    group by case_number

),

ranked as (

    select
        case_weights.*,
        case_rules.pair_count,
        case_rules.reason_code,
        row_number() over (
            order by
                case_rules.rule_group asc,
                case_weights.moved_weight desc,
                case_weights.first_planfix_id asc
        ) as priority
    from case_weights
    inner join case_rules
        on case_weights.case_number = case_rules.case_number

),

-- one row, but the planner would work it out again for each case
budget as materialized (

    select floor(count(*) * {{ setting('review_share') }}) as record_budget
    from clusters

),

counted as (

    -- a case that is larger than the whole budget must not keep all others from being
    -- asked
    select
        ranked.*,
        ranked.record_count <= budget.record_budget as is_within_budget,
        sum(ranked.record_count) filter (
            where ranked.record_count <= budget.record_budget
        ) over (order by ranked.priority) as records_up_to_here,
        budget.record_budget
    from ranked
    cross join budget

),

final as (

    select
        case_pairs.left_planfix_id,
        case_pairs.right_planfix_id,
        'match:' || counted.first_planfix_id as case_id,
        counted.reason_code,
        counted.priority,
        counted.pair_count,
        counted.record_count,
        counted.moved_weight,
        case_pairs.left_cluster_id,
        case_pairs.right_cluster_id,
        case_pairs.rule_id,
        counted.is_within_budget
        and counted.records_up_to_here <= counted.record_budget as is_asked
    from case_pairs
    inner join counted
        on case_pairs.case_number = counted.case_number

)

select * from final
