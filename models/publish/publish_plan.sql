-- sqlfluff:indentation:template_blocks_indent:False
{{
    config(
        indexes=[
            {'columns': ['batch_number', 'table_name', 'action']},
        ],
        pre_hook="set local random_page_cost = 1.1"
    )
}}

{%- set tables = publish_tables() %}

with

comparison as not materialized (
    select * from {{ ref('publish_comparison') }}
),

-- few rows of many, looked up twelve times below: by index, for which the pages are
-- reckoned as being in memory
touched as materialized (
    select * from comparison
    where action not in ('insert', 'no_change') or group_actions is not null
),

plan_customers as not materialized (
    select * from {{ ref('publish_plan_customers') }}
),

identities as not materialized (
    select * from {{ ref('int_identity__customers') }}
),

customer_identity as not materialized (
    select * from {{ state_relation('customer_identity') }}
),

-- whole-row actions; of rows that stay as they are only those that the baseline
-- forgets: nearly all rows of a later run are equal on all sides and stand in the
-- comparison
whole_rows as not materialized (
    select
        comparison.table_name,
        comparison.row_key,
        comparison.row_id,
        comparison.customer_id,
        comparison.previous_customer_id,
        comparison.action,
        comparison.reason,
        null::text as column_group,
        null::smallint as group_position,
        comparison.ready_hashes as hashes_to_write,
        comparison.live_hashes as hashes_expected,
        comparison.overrides,
        null::jsonb as before_values,
        null::jsonb as after_values,
        null::text[] as changed_columns
    from comparison
    where
        comparison.action = 'insert'
        or comparison.reason = 'gone_on_both_sides'
),

{%- for table, spec in tables.items() %}

{{ table }}_ready as not materialized (
    select
        {{ row_key(table, 'ready') }} as row_key,
        ready.*
    from {{ ref(table) }} as ready
),

{{ table }}_live as not materialized (
    select
        {{ row_id(table, 'live') }} as row_id,
        live.*
    from {{ live_relation(table) }} as live
),

{{ table }}_whole as not materialized (
    select
        touched.table_name,
        touched.row_key,
        touched.row_id,
        touched.customer_id,
        touched.previous_customer_id,
        touched.action,
        touched.reason,
        null::text as column_group,
        null::smallint as group_position,
        touched.ready_hashes as hashes_to_write,
        touched.live_hashes as hashes_expected,
        touched.overrides,
        case when live.row_id is not null then {{ row_image(table, 'live') }} end
            as before_values,
        case
            when ready.row_key is not null
                then
                    {{ row_image(table, 'ready') }}
                    || coalesce(touched.overrides, '{}')
        end as after_values
    from touched
    left outer join {{ table }}_ready as ready
        on {{ same_row(table, 'ready.row_key', 'touched.row_key') }}
    left outer join {{ table }}_live as live
        on {{ same_row(table, 'live.row_id', 'touched.row_id') }}
    where
        touched.table_name = '{{ table }}'
        and touched.group_actions is null
        and touched.action not in ('insert', 'no_change')
),

{{ table }}_grouped as not materialized (
    select
        touched.table_name,
        touched.row_key,
        touched.row_id,
        touched.customer_id,
        touched.previous_customer_id,
        -- an archived customer is retired, though only its status is written
        case
            when side.action = 'update' and touched.reason = 'no_record_left'
                then 'retire'
            when side.action = 'agree' then 'no_change'
            else side.action
        end as action,
        case
            when side.action = 'agree' then 'crm_and_source_agree'
            when touched.reason <> 'changed' then touched.reason
            when side.action = 'update' then 'changed_in_source'
            when side.action = 'keep_crm_edit' then 'edited_in_crm'
            else 'changed_on_both_sides'
        end as reason,
        case side.group_position
            {%- for group in spec['groups'] %}
            when {{ loop.index }} then '{{ group }}'
            {%- endfor %}
        end as column_group,
        side.group_position::smallint as group_position,
        touched.ready_hashes[side.group_position:side.group_position]
            as hashes_to_write,
        touched.live_hashes[side.group_position:side.group_position]
            as hashes_expected,
        null::jsonb as overrides,
        case side.group_position
            {%- for columns in spec['groups'].values() %}
            when {{ loop.index }} then {{ values_image(columns, 'live') }}
            {%- endfor %}
        end as before_values,
        case
            when
                ready.row_key is null
                or touched.reason in ('customer_merged', 'no_record_left')
                then touched.overrides
            else
                case side.group_position
                    {%- for columns in spec['groups'].values() %}
                    when {{ loop.index }} then {{ values_image(columns, 'ready') }}
                    {%- endfor %}
                end || coalesce(touched.overrides, '{}')
        end as after_values
    from touched
    cross join
        lateral unnest(touched.group_actions)
        with ordinality as side (action, group_position)
    inner join {{ table }}_live as live
        on {{ same_row(table, 'live.row_id', 'touched.row_id') }}
    left outer join {{ table }}_ready as ready
        on {{ same_row(table, 'ready.row_key', 'touched.row_key') }}
    where
        touched.table_name = '{{ table }}'
        and touched.group_actions is not null
        and side.action <> 'no_change'
),
{%- endfor %}

changes as not materialized (
    {%- for table in tables %}
    select * from {{ table }}_whole
    union all
    select * from {{ table }}_grouped
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- which columns differ, of rows that have two sides only: an insert has none to compare
changed_rows as not materialized (
    select
        changes.table_name,
        changes.row_key,
        changes.row_id,
        changes.customer_id,
        changes.previous_customer_id,
        changes.action,
        changes.reason,
        changes.column_group,
        changes.group_position,
        changes.hashes_to_write,
        changes.hashes_expected,
        changes.overrides,
        coalesce(changed.before_values, changes.before_values) as before_values,
        coalesce(changed.after_values, changes.after_values) as after_values,
        changed.changed_columns
    from changes
    left outer join
        lateral (
            select
                array_agg(side.column_name::text order by side.column_name)
                    as changed_columns,
                jsonb_object_agg(side.column_name, side.live_value) as before_values,
                jsonb_object_agg(side.column_name, side.ready_value) as after_values
            from (
                select
                    -- as SQL writes names: the same order on every server
                    ready_side.key::name as column_name,
                    changes.before_values -> ready_side.key as live_value,
                    ready_side.value as ready_value
                from jsonb_each(changes.after_values) as ready_side
            ) as side
            where
                changes.before_values ? side.column_name::text
                and side.live_value is distinct from side.ready_value
        ) as changed
        on changes.before_values is not null and changes.after_values is not null
),

-- by itself: behind the union with the touched rows, which are put aside, one core
-- would do it for all rows of a first load
{%- for part in ['whole_rows', 'changed_rows'] %}

{{ part }}_planned as not materialized (
    select
        '{{ invocation_id }}'::uuid as plan_id,
        case
            when
                {{ part }}.action in ('insert', 'update', 'retire', 'adopt')
                or {{ part }}.reason in ('gone_on_both_sides', 'crm_and_source_agree')
                then plan_customers.batch_number
        end as batch_number,
        {{ part }}.table_name,
        {{ part }}.action,
        {{ part }}.column_group,
        {{ part }}.changed_columns,
        {{ part }}.customer_id,
        {{ part }}.previous_customer_id,
        {{ part }}.row_id,
        {{ part }}.row_key,
        {{ part }}.reason,
        'planfix:' || coalesce(
            identities.cluster_id,
            (
                select min(customer_identity.planfix_id)
                from customer_identity
                where customer_identity.customer_id = {{ part }}.customer_id
            )
        ) as source_record,
        {{ part }}.before_values,
        {{ part }}.after_values,
        {{ part }}.overrides,
        {{ part }}.group_position,
        {{ part }}.hashes_expected,
        {{ part }}.hashes_to_write
    from {{ part }}
    left outer join plan_customers
        on {{ part }}.customer_id = plan_customers.customer_id
    left outer join identities on {{ part }}.customer_id = identities.customer_id
),
{%- endfor %}

final as (
    select * from whole_rows_planned
    union all
    select * from changed_rows_planned
)

select * from final
