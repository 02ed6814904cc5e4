{{
    config(
        materialized='publish',
        full_refresh=false,
        meta={'publisher': 4, 'grain': 'batch', 'owner': 'data engineering'}
    )
}}

{{ publish_inputs() }}
select
    batch_id,
    run_id,
    plan_id,
    batch_number,
    customers,
    started_at,
    finished_at
from {{ state_relation('batches') }}
where publisher = 4
