-- sqlfluff:indentation:template_blocks_indent:False
{{ config(pre_hook="set local random_page_cost = 1.1") }}

with

plan as not materialized (
    select * from {{ ref('publish_plan') }}
),

-- a first load inserts millions: some of its batches have examples enough
numbered_batches as (
    select
        batch_number,
        max(batch_number) over () as last_batch_number
    from {{ ref('publish_plan_batches') }}
),

sampled_batches as (
    select batch_number from numbered_batches
    where batch_number % greatest(last_batch_number / 20, 1) = 0
),

ranked as (
    select
        table_name,
        action,
        reason,
        column_group,
        changed_columns,
        customer_id,
        row_id,
        row_key,
        source_record,
        before_values,
        after_values,
        row_number() over (
            partition by table_name, action, reason, column_group
            order by row_key
        ) as sample_number
    from plan
    where
        action not in ('insert', 'no_change')
        or (
            action = 'insert'
            and batch_number = any(
                array(select sampled_batches.batch_number from sampled_batches)
            )
        )
),

sampled as (
    select * from ranked
    where
        -- between, and not only up to: PostgreSQL takes that for a third of all, and
        -- reads whole tables for a few hundred rows
        sample_number between 1 and {{ setting('publish_sample_rows') | int }}
),

-- a row to be inserted is not copied into the plan: its image is the ready row, which
-- gives the new row its id
ready_rows as (
    {%- for table in live_tables() %}
    select
        sampled.table_name,
        sampled.row_key,
        {{ row_image(table, 'ready') }} as ready_row
    from sampled
    inner join {{ ref(table) }} as ready
        on
            sampled.customer_id = ready.{{ customer_column(table) }}
            and sampled.row_key = {{ row_key(table, 'ready') }}
    where
        sampled.table_name = '{{ table }}'
        and sampled.action = 'insert'
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

final as (
    select
        concat_ws(
            ':',
            sampled.table_name,
            sampled.action,
            sampled.reason,
            sampled.column_group,
            sampled.sample_number
        ) as sample_key,
        sampled.table_name,
        sampled.action,
        sampled.reason,
        sampled.column_group,
        sampled.changed_columns,
        sampled.customer_id,
        sampled.row_id,
        sampled.source_record,
        sampled.before_values,
        coalesce(sampled.after_values, ready_rows.ready_row) as after_values
    from sampled
    left outer join ready_rows
        on
            sampled.table_name = ready_rows.table_name
            and sampled.row_key = ready_rows.row_key
)

select * from final
