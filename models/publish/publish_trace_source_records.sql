{{ config(materialized='view') }}

with

cards as (
    select * from {{ ref('int_contacts__normalized') }}
),

outcomes as (
    select * from {{ ref('reconciliation_records') }}
),

customer_identity as (
    select * from {{ state_relation('customer_identity') }}
),

live_rows as (
    select * from {{ ref('publish_trace_live_rows') }}
),

final as (
    select
        cards.planfix_id,
        cards.raw_table,
        cards.raw_load_id,
        cards.observed_at,
        cards.source_file,
        outcomes.outcome,
        outcomes.reason,
        customer_identity.customer_id,
        customer_identity.match_rule,
        customer_identity.first_assigned_at,
        live_rows.table_name,
        live_rows.row_id,
        live_rows.is_deciding,
        live_rows.row_rule,
        live_rows.batch_id,
        live_rows.run_id,
        live_rows.operator,
        live_rows.published_at
    from cards
    left outer join outcomes on cards.planfix_id = outcomes.planfix_id
    left outer join customer_identity on cards.planfix_id = customer_identity.planfix_id
    left outer join live_rows on cards.planfix_id = live_rows.planfix_id
)

select * from final
