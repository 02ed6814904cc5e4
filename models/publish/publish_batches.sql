-- sqlfluff:indentation:template_blocks_indent:False
{{
    config(
        materialized='publish',
        full_refresh=false
    )
}}

{{ publish_inputs() }}
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
        batches.publisher,
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
