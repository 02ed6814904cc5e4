with

clusters as (

    select * from {{ ref('int_clusters__final') }}

),

matched as not materialized (

    select * from {{ ref('int_identity__matched') }}

),

identity as (

    select * from {{ state_relation('customer_identity') }}

),

links as not materialized (

    select * from {{ ref('int_match_links__scored') }}

),

resolved as not materialized (

    select * from {{ ref('int_match_links__resolved') }}

),

accepted_ends as (

    select
        links.left_planfix_id as planfix_id,
        links.rule_id,
        links.strength
    from links
    inner join resolved
        on links.link_key = resolved.link_key
    where resolved.outcome = 'accepted'

    union all

    select
        links.right_planfix_id as planfix_id,
        links.rule_id,
        links.strength
    from links
    inner join resolved
        on links.link_key = resolved.link_key
    where resolved.outcome = 'accepted'

),

best_rules as (

    select distinct on (planfix_id)
        planfix_id,
        rule_id
    from accepted_ends
    order by planfix_id asc, strength desc, rule_id collate "C" asc

),

compared as (

    select
        clusters.planfix_id,
        clusters.cluster_id,
        clusters.cluster_size,
        matched.customer_id,
        matched.is_new,
        identity.customer_id as previous_customer_id
    from clusters
    inner join matched
        on clusters.cluster_id = matched.cluster_id
    left outer join identity
        on clusters.planfix_id = identity.planfix_id

),

final as (

    select
        compared.planfix_id,
        compared.cluster_id,
        compared.customer_id,
        compared.previous_customer_id,
        case
            when compared.previous_customer_id = compared.customer_id then 'keep'
            when compared.previous_customer_id is null and compared.is_new then 'create'
            when compared.previous_customer_id is null then 'absorb'
            when still_active.customer_id is null then 'merge'
            when compared.is_new then 'split'
            else 'move'
        end as change,
        case
            when compared.cluster_size = 1 then 'only_record'
            else best_rules.rule_id
        end as match_rule
    from compared
    left outer join matched as still_active
        on compared.previous_customer_id = still_active.customer_id
    left outer join best_rules
        on compared.planfix_id = best_rules.planfix_id

)

select * from final
