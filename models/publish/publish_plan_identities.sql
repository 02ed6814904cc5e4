{{ config(indexes=[{'columns': ['customer_id']}]) }}

with

assigned as (
    select * from {{ ref('int_identity__assigned') }}
),

customer_identity as (
    select * from {{ state_relation('customer_identity') }}
),

final as (
    select
        assigned.planfix_id,
        assigned.customer_id,
        customer_identity.customer_id as previous_customer_id,
        assigned.cluster_id,
        assigned.match_rule
    from assigned
    left outer join
        customer_identity
        on assigned.planfix_id = customer_identity.planfix_id
    where
        customer_identity.planfix_id is null
        or customer_identity.customer_id <> assigned.customer_id
        or customer_identity.cluster_id <> assigned.cluster_id
        or customer_identity.match_rule is distinct from assigned.match_rule
)

select * from final
