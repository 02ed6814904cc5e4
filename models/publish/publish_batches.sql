-- sqlfluff:indentation:template_blocks_indent:False
{{
    config(
        materialized='publish',
        full_refresh=false
    )
}}

-- depends_on: {{ ref('publish_plan') }}
-- depends_on: {{ ref('publish_plan_customers') }}
-- depends_on: {{ ref('publish_plan_batches') }}
-- depends_on: {{ ref('publish_plan_identities') }}
-- depends_on: {{ ref('publish_plan_events') }}
-- depends_on: {{ ref('migration_gates') }}
-- read by data tests that have to pass before the first live row
-- depends_on: {{ ref('int_contact_points__rejected') }}
-- depends_on: {{ ref('int_customers__provenance') }}
{%- for table in live_tables() %}
-- depends_on: {{ ref(table) }}
-- depends_on: {{ live_relation(table) }}
{%- endfor %}
-- depends_on: {{ state_relation('published_rows') }}
-- depends_on: {{ state_relation('row_changes') }}
-- depends_on: {{ state_relation('customer_identity') }}
-- depends_on: {{ state_relation('identity_events') }}

with

batches as (
    select * from {{ state_relation('batches') }}
),

runs as (
    select * from {{ state_relation('runs') }}
),

final as (
    select
        batches.batch_id,
        batches.run_id,
        batches.plan_id,
        batches.batch_number,
        batches.kind,
        batches.undoes_batch_id,
        batches.operator,
        runs.target,
        runs.status as run_status,
        runs.source_state,
        batches.customers,
        batches.rows_inserted,
        batches.rows_updated,
        batches.rows_retired,
        batches.rows_left,
        batches.attempts,
        batches.counts,
        batches.started_at,
        batches.finished_at,
        extract(epoch from batches.finished_at - batches.started_at) as seconds
    from batches
    inner join runs on batches.run_id = runs.run_id
)

select * from final
