{#-
    The session's own function that takes one published batch back, in one transaction: rows as
    they were before it, the baseline as it was before it, and a batch of its own as record. What
    the CRM changed since is left as it is and listed; a new customer on which the CRM has worked
    is left whole.
-#}
{% macro rollback_batch_ddl() %}
{%- set tables = publish_tables() -%}
{%- set published_rows = state_relation('published_rows') -%}
{%- set row_changes = state_relation('row_changes') -%}
{%- set leftovers = state_relation('rollback_leftovers') -%}
{{ guarded_call_ddl() }}

create temporary table if not exists rollback_work (
    table_name text,
    row_key uuid,
    row_id uuid,
    customer_id uuid,
    action text,
    change_id bigint,
    before_values jsonb,
    before_published jsonb,
    live_row jsonb,
    -- why the row is left alone; null takes it back
    reason text
) on commit delete rows;

create or replace function pg_temp.rollback_batch(
    undone_batch bigint, this_number int, attempt int
)
returns jsonb
language plpgsql
set enable_seqscan = off
set random_page_cost = 1.1
as $rollback$
#variable_conflict use_column
declare
    publisher record;
    this_batch_id bigint;
    started timestamptz := clock_timestamp();
    written_count bigint;
    removed_total bigint := 0;
    restored_total bigint := 0;
    returned_total bigint := 0;
    told jsonb;
    one record;
begin
    select run_id, operator from {{ state_relation('runs') }}
    where run_id = '{{ invocation_id }}'
    into publisher;

    insert into {{ state_relation('batches') }} (
        run_id, plan_id, batch_number, kind, undoes_batch_id, operator, started_at,
        finished_at, attempts
    )
    values (
        publisher.run_id, publisher.run_id, this_number, 'rollback', undone_batch,
        publisher.operator, started, started, attempt
    )
    returning batch_id into this_batch_id;

    perform 1
    from {{ live_relation('customers') }}
    where id in (
        select customer_id from {{ published_rows }}
        where batch_id = undone_batch or first_batch_id = undone_batch
        union all
        select customer_id from {{ row_changes }} where batch_id = undone_batch
    )
    order by id
    for update;

    -- what the batch inserted and what it changed, but for what was taken back before
    {% for table, spec in tables.items() %}
    insert into rollback_work
    select
        known.table_name,
        known.row_key,
        known.row_id,
        known.customer_id,
        'insert',
        null,
        null,
        to_jsonb(known),
        to_jsonb(live),
        case
            when live.{{ spec['columns'][0] }} is null then 'removed_in_crm'
            when known.batch_id <> undone_batch then 'changed_by_later_run'
            when {{ group_hashes(table, 'live') }} <> known.group_hashes
                then 'edited_in_crm'
        end
    from {{ published_rows }} as known
    left join {{ live_relation(table) }} as live on {{ _work_join(table, 'known') }}
    where
        known.table_name = '{{ table }}'
        and known.first_batch_id = undone_batch
        and not exists (
            select 1 from {{ row_changes }} as adoption
            where
                adoption.batch_id = undone_batch
                and adoption.table_name = known.table_name
                and adoption.row_key = known.row_key
                and adoption.action = 'adopt'
        );

    insert into rollback_work
    select
        change.table_name,
        change.row_key,
        change.row_id,
        change.customer_id,
        change.action,
        change.change_id,
        change.before_values,
        change.before_published,
        to_jsonb(live),
        case
            when change.action = 'retire' and live.{{ spec['columns'][0] }} is not null
                then 'in_crm_again'
            when change.action in ('retire', 'forget') then null
            when known.row_key is null or known.batch_id <> undone_batch
                then 'changed_by_later_run'
            when change.action = 'adopt' then null
            when live.{{ spec['columns'][0] }} is null then 'removed_in_crm'
            {%- for group in spec['groups'] %}
            when
                '{{ group }}' = any(change.column_groups)
                and ({{ group_hashes(table, 'live') }})[{{ loop.index }}]
                <> known.group_hashes[{{ loop.index }}]
                then 'edited_in_crm'
            {%- endfor %}
        end
    from {{ row_changes }} as change
    left join {{ published_rows }} as known
        on change.table_name = known.table_name and change.row_key = known.row_key
    left join {{ live_relation(table) }} as live on {{ _work_join(table, 'change') }}
    left join {{ row_changes }} as undoing on change.change_id = undoing.undoes_change_id
    where
        change.batch_id = undone_batch
        and change.table_name = '{{ table }}'
        and change.action in ('update', 'retire', 'adopt', 'forget')
        and undoing.change_id is null;
    {%- endfor %}

    -- batches differ in size; this also makes the server plan the statements below anew, for which
    -- it would keep the plans of the first one. The setting that would do so without has the
    -- foreign keys of each row planned anew as well
    analyze rollback_work;

    -- a row that is gone from the CRM has nothing to take back
    delete from rollback_work where action = 'insert' and reason = 'removed_in_crm';

    -- rows that some other table of the CRM points at, an order at its customer for example
    for one in
        select
            pg_constraint.conrelid::regclass as referring,
            own.attname as referring_column,
            pg_class.relname as referred
        from pg_catalog.pg_constraint
        inner join pg_catalog.pg_class on pg_constraint.confrelid = pg_class.oid
        inner join pg_catalog.pg_attribute as own
            on
                pg_constraint.conrelid = own.attrelid
                and pg_constraint.conkey[1] = own.attnum
        where
            pg_constraint.contype = 'f'
            and pg_constraint.confrelid in (
                {%- for table in tables %}
                '{{ live_relation(table) }}'::regclass
                {{- ',' if not loop.last }}
                {%- endfor %}
            )
            and pg_constraint.conrelid not in (
                {%- for table in tables %}
                '{{ live_relation(table) }}'::regclass
                {{- ',' if not loop.last }}
                {%- endfor %}
            )
    loop
        execute format(
            'update rollback_work set reason = %L'
            ' where table_name = %L and action = %L and reason is null'
            ' and exists (select from %s as referring where referring.%I = row_id)',
            'referred_to_in_crm',
            one.referred,
            'insert',
            one.referring,
            one.referring_column
        );
    end loop;

    -- new customers on which the CRM has worked: left whole
    update rollback_work as work
    set reason = 'customer_in_use'
    from (
        select customer_id from rollback_work
        where action = 'insert' and reason is not null
        {%- for table in tables if table != 'customers' %}
        union
        select live.customer_id
        from {{ live_relation(table) }} as live
        inner join rollback_work as own
            on
                own.table_name = 'customers'
                and own.action = 'insert'
                and live.customer_id = own.row_id
        left join {{ published_rows }} as known
            on
                known.table_name = '{{ table }}'
                and known.row_id = {{ row_id(table, 'live') }}
        where known.row_key is null
        {%- endfor %}
        union
        select own.row_id
        from {{ live_relation('customers') }} as live
        inner join rollback_work as own
            on
                own.table_name = 'customers'
                and own.action = 'insert'
                and own.row_id in (live.company_id, live.merged_into_id)
        left join rollback_work as other
            on
                other.table_name = 'customers'
                and other.row_id = live.id
                and other.reason is null
        where other.row_id is null
    ) as used
    where
        work.customer_id = used.customer_id
        and work.action = 'insert'
        and work.reason is null;

    -- 1. new rows of the five tables go
    {% for table in tables if table != 'customers' %}
    delete from {{ live_relation(table) }} as live
    using rollback_work as work
    where
        work.table_name = '{{ table }}'
        and work.action = 'insert'
        and work.reason is null
        and {{ _work_join(table, 'work') }};
    get diagnostics written_count = row_count;
    removed_total := removed_total + written_count;
    {%- endfor %}

    -- 2. changed rows become what they were; a contact stops being primary before another
    --    becomes it again
    {{ _restore_sql('customer_contacts', "(work.before_values ->> 'is_primary') = 'false'") }}
    {% for table in tables %}
    {{ _restore_sql(
        table, "(work.before_values ->> 'is_primary') is distinct from 'false'"
    ) }}
    {%- endfor %}

    -- 3. deleted rows come back
    {% for table, spec in tables.items() if table != 'customers' %}
    with returned as (
        insert into {{ live_relation(table) }}
        select populated.*
        from rollback_work as work
        inner join {{ live_relation('customers') }} as owner
            on (work.before_values ->> 'customer_id')::uuid = owner.id
        cross join lateral jsonb_populate_record(
            null::{{ live_relation(table) }}, work.before_values
        ) as populated
        where
            work.table_name = '{{ table }}'
            and work.action = 'retire'
            and work.reason is null
        on conflict do nothing
        returning {{ row_id(table, live_relation(table).identifier) }} as row_id
    )

    update rollback_work as work
    set
        reason = case when returned.row_id is null then 'in_crm_again' end,
        live_row = case when returned.row_id is not null then '{}'::jsonb end
    from rollback_work as retired
    left join returned on retired.row_id = returned.row_id
    where
        work.table_name = '{{ table }}'
        and work.action = 'retire'
        and work.reason is null
        and retired.table_name = work.table_name
        and retired.row_key = work.row_key;
    {%- endfor %}

    -- 4. new customers go last
    delete from {{ live_relation('customers') }} as live
    using rollback_work as work
    where
        work.table_name = 'customers'
        and work.action = 'insert'
        and work.reason is null
        and live.id = work.row_id;
    get diagnostics written_count = row_count;
    removed_total := removed_total + written_count;

    -- 5. the baseline as it was, the record of what was done and of what was left
    insert into {{ row_changes }} (
        batch_id, table_name, row_key, row_id, customer_id, action, before_values,
        before_published, reason, undoes_change_id
    )
    select
        this_batch_id,
        table_name,
        row_key,
        row_id,
        customer_id,
        case when action = 'insert' then 'remove' else 'restore' end,
        case when action = 'insert' then live_row end,
        case when action = 'insert' then before_published end,
        'rollback of a batch',
        change_id
    from rollback_work
    where reason is null;

    insert into {{ leftovers }} (
        run_id, undoes_batch_id, table_name, row_id, customer_id, reason
    )
    select publisher.run_id, undone_batch, table_name, row_id, customer_id, reason
    from rollback_work
    where reason is not null
    order by table_name, row_id;

    delete from {{ published_rows }} as known
    using rollback_work as work
    where
        work.reason is null
        and work.action in ('insert', 'adopt')
        and known.table_name = work.table_name
        and known.row_key = work.row_key;

    insert into {{ published_rows }}
    select before.*
    from rollback_work as work
    cross join lateral jsonb_populate_record(
        null::{{ published_rows }}, work.before_published
    ) as before
    where
        work.reason is null
        and work.action in ('update', 'retire', 'forget')
        and work.before_published is not null
    on conflict (table_name, row_key) do update
    set
        row_id = excluded.row_id,
        customer_id = excluded.customer_id,
        batch_id = excluded.batch_id,
        group_hashes = excluded.group_hashes;

    -- 6. records go back to the customer they had; a first assignment is kept for ever
    with changed as (
        select
            change.change_id,
            change.row_key,
            change.row_id,
            before.*
        from {{ row_changes }} as change
        left join {{ row_changes }} as undoing
            on change.change_id = undoing.undoes_change_id
        cross join lateral jsonb_populate_record(
            null::{{ state_relation('customer_identity') }}, change.before_values
        ) as before
        where
            change.batch_id = undone_batch
            and change.table_name = 'customer_identity'
            and undoing.change_id is null
    ),

    returned as (
        update {{ state_relation('customer_identity') }} as known
        set
            customer_id = changed.customer_id,
            cluster_id = changed.cluster_id,
            match_rule = changed.match_rule,
            assigned_at = changed.assigned_at,
            run_id = changed.run_id
        from changed
        where
            known.planfix_id = changed.planfix_id
            and known.customer_id = changed.row_id
        returning
            changed.change_id,
            changed.row_key,
            changed.row_id as left_customer_id,
            known.customer_id,
            known.planfix_id
    ),

    noted as (
        insert into {{ state_relation('identity_events') }} (
            run_id, event, customer_id, other_customer_id, planfix_id, detail
        )
        select
            publisher.run_id,
            'rollback',
            customer_id,
            left_customer_id,
            planfix_id,
            'the batch that had moved the record was taken back'
        from returned
        where customer_id <> left_customer_id
        order by planfix_id
    )

    insert into {{ row_changes }} (
        batch_id, table_name, row_key, row_id, customer_id, action, reason,
        undoes_change_id
    )
    select
        this_batch_id,
        'customer_identity',
        row_key,
        customer_id,
        customer_id,
        'restore',
        'rollback of a batch',
        change_id
    from returned;

    select count(*) from rollback_work where action = 'update' and reason is null
    into restored_total;
    select count(*) from rollback_work where action = 'retire' and reason is null
    into returned_total;
    update {{ state_relation('batches') }}
    set
        customers = (
            select count(distinct customer_id) from rollback_work where reason is null
        ),
        rows_inserted = returned_total,
        rows_updated = restored_total,
        rows_retired = removed_total,
        rows_left = (select count(*) from rollback_work where reason is not null),
        finished_at = clock_timestamp()
    where batch_id = this_batch_id
    returning jsonb_build_object(
        'removed', rows_retired,
        'restored', rows_updated,
        'returned', rows_inserted,
        'left', rows_left
    ) into told;
    return told;
end
$rollback$;
{% endmacro %}


{% macro _restore_sql(table, condition) %}
{%- set spec = publish_tables()[table] -%}
{%- if spec['row_id'] %}
{%- set columns = (spec['groups'].values() | sum(start=[])) + (spec['stamps'] | list) -%}
{%- set changes = [] -%}
{%- for column in columns -%}
    {%- do changes.append(column ~ ' = patched.' ~ column) -%}
{%- endfor %}
    update {{ live_relation(table) }} as live
    set
        {{ changes | join(',\n        ') }}
    from (
        select
            work.row_id,
            {{ 'populated.' ~ columns | join(', populated.') }}
        from rollback_work as work
        inner join {{ live_relation(table) }} as current_row
            on work.row_id = current_row.id
        cross join lateral
            jsonb_populate_record(current_row, work.before_values) as populated
        where
            work.table_name = '{{ table }}'
            and work.action = 'update'
            and work.reason is null
            and {{ condition }}
    ) as patched
    where live.id = patched.row_id;
{%- endif %}
{% endmacro %}
