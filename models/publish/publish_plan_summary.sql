-- sqlfluff:indentation:template_blocks_indent:False
with

plan as not materialized (
    select * from {{ ref('publish_plan') }}
),

comparison as (
    select * from {{ ref('publish_comparison') }}
),

published_counts as (
    select
        table_name,
        count(*) as published_rows
    from {{ state_relation('published_rows') }}
    group by table_name
),

-- published rows that differ on any side; what is published and does not is the same
differing_counts as (
    select
        table_name,
        count(*) as differing_rows
    from comparison
    where known_hashes is not null
    group by table_name
),

live_counts as (
    {%- for table in live_tables() %}
    select
        '{{ table }}' as table_name,
        count(*) as live_rows
    from {{ live_relation(table) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

counted as (
    select
        table_name,
        action,
        reason,
        column_group,
        count(*) as planned_rows
    from plan
    group by table_name, action, reason, column_group
    union all
    select
        published_counts.table_name,
        'no_change' as action,
        'same' as reason,
        null as column_group,
        published_counts.published_rows - coalesce(differing_counts.differing_rows, 0)
            as planned_rows
    from published_counts
    left outer join differing_counts
        on published_counts.table_name = differing_counts.table_name
    where
        published_counts.published_rows > coalesce(differing_counts.differing_rows, 0)
    union all
    -- other rows that stay as they are have no row in the plan
    select
        table_name,
        action,
        reason,
        null as column_group,
        count(*) as planned_rows
    from comparison
    where
        action = 'no_change'
        and group_actions is null
        and reason <> 'gone_on_both_sides'
    group by table_name, action, reason
),

-- which columns, how often: the classified difference per column
columns_counted as (
    select
        counted_columns.table_name,
        counted_columns.action,
        counted_columns.reason,
        counted_columns.column_group,
        jsonb_object_agg(counted_columns.column_name, counted_columns.changes)
            as changes_per_column
    from (
        select
            plan.table_name,
            plan.action,
            plan.reason,
            plan.column_group,
            changed.column_name,
            count(*) as changes
        from plan
        cross join lateral unnest(plan.changed_columns) as changed (column_name)
        -- an insert has none, and a first run is nothing else
        where plan.changed_columns is not null
        group by
            plan.table_name,
            plan.action,
            plan.reason,
            plan.column_group,
            changed.column_name
    ) as counted_columns
    group by
        counted_columns.table_name,
        counted_columns.action,
        counted_columns.reason,
        counted_columns.column_group
),

final as (
    select
        concat_ws(
            ':',
            counted.table_name,
            counted.action,
            counted.reason,
            counted.column_group
        ) as summary_key,
        counted.table_name,
        counted.action,
        counted.reason,
        counted.column_group,
        counted.planned_rows,
        live_counts.live_rows,
        columns_counted.changes_per_column
    from counted
    inner join live_counts on counted.table_name = live_counts.table_name
    left outer join columns_counted
        on
            counted.table_name = columns_counted.table_name
            and counted.action = columns_counted.action
            and counted.reason = columns_counted.reason
            and counted.column_group is not distinct from columns_counted.column_group
)

select * from final
