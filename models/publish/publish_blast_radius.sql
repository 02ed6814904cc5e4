-- sqlfluff:indentation:template_blocks_indent:False
with

plan as (
    select * from {{ ref('publish_plan') }}
),

live_customers as (
    select * from {{ live_relation('customers') }}
),

live_counts as (
    {%- for table in live_tables() %}
    select count(*) as live_rows from {{ live_relation(table) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

planned as (
    select
        count(distinct table_name || row_id) filter (
            where action = 'update' and reason <> 'customer_merged'
        ) as rows_overwritten,
        count(*) filter (
            where action = 'retire' and table_name <> 'customers'
        ) as rows_retired,
        count(distinct row_id) filter (
            where action = 'retire' and table_name = 'customers'
        ) as customers_archived,
        count(distinct row_id) filter (
            where action = 'update' and reason = 'customer_merged'
        ) as customers_merged
    from plan
    where action in ('update', 'retire')
),

live as (
    select sum(live_rows) as live_rows from live_counts
),

active as (
    select count(*) as active_customers from live_customers
    where status = 'active'
),

totals as (
    select
        live.live_rows,
        active.active_customers,
        planned.rows_overwritten,
        planned.rows_retired,
        planned.customers_archived,
        planned.customers_merged
    from planned
    cross join live
    cross join active
),

measured as (
    select
        'live_rows_overwritten' as gate,
        rows_overwritten as affected,
        live_rows as live,
        {{ setting('max_overwritten_share') | float }} as limit_value,
        'Share of live rows that the plan would overwrite.' as description,
        'action = ''update''' as plan_filter
    from totals
    union all
    select
        'live_rows_retired' as gate,
        rows_retired as affected,
        live_rows as live,
        {{ setting('max_retired_share') | float }} as limit_value,
        'Share of live rows that the plan would delete because their source is gone.'
            as description,
        'action = ''retire'' and table_name <> ''customers''' as plan_filter
    from totals
    union all
    select
        'live_customers_archived' as gate,
        customers_archived as affected,
        active_customers as live,
        {{ setting('max_archived_share') | float }} as limit_value,
        'Share of active customers that the plan would archive.' as description,
        'action = ''retire'' and table_name = ''customers''' as plan_filter
    from totals
    union all
    select
        'live_customers_merged' as gate,
        customers_merged as affected,
        active_customers as live,
        {{ setting('max_merged_share') | float }} as limit_value,
        'Share of active customers that the plan would merge into others.'
            as description,
        'reason = ''customer_merged''' as plan_filter
    from totals
),

final as (
    select
        gate,
        affected,
        live,
        -- a handful of rows of a small base is not a blast
        case
            when affected <= {{ setting('blast_radius_floor') | int }} then 0
            else trim_scale(coalesce(affected::numeric / nullif(live, 0), 0))
        end as value,
        limit_value::numeric as limit_value,
        affected <= {{ setting('blast_radius_floor') | int }}
        or affected <= limit_value * live as passed,
        description,
        'select * from {{ ref('publish_plan').include(database=false) }} where '
        || plan_filter as how_to_look,
        'dbt run-operation grant_waiver --args ''{gate: ' || gate || ', limit_value: '
        || trim_scale(
            ceil(coalesce(affected::numeric / nullif(live, 0), 0) * 1000) / 1000
        )
        || ', reason: …, granted_by: …, valid_until: …}''' as how_to_allow
    from measured
)

select * from final
