{#-
    The session's own functions: publish_batch writes one batch of the plan and all state that
    goes with it; the others are for a publisher beside the first one.
-#}
{% macro publish_batch_ddl(publisher) %}
{{ guarded_call_ddl() }}
{{ _publish_beside_ddl() }}

create temporary table if not exists publish_work (
    table_name text,
    row_key uuid,
    row_id uuid,
    customer_id uuid,
    action text,
    column_group text,
    group_position smallint,
    hashes_to_write bigint[],
    after_values jsonb,
    reason text,
    source_record text,
    live_row jsonb,
    is_untouched boolean
) on commit delete rows;

-- customers of the batch that the CRM has: looked up once, not once per table
create temporary table if not exists publish_owners (
    customer_id uuid primary key
) on commit delete rows;

{{ _publish_batch_ddl(publisher) }}
{% endmacro %}


{% macro _publish_beside_ddl() %}
create or replace function pg_temp.is_publishing() returns boolean
language sql as $publishing$
    select exists (
        select from pg_locks
        where
            locktype = 'advisory'
            and granted
            and objsubid = 1
            and database = (select oid from pg_database where datname = current_database())
            and ((classid::bigint << 32) | objid::bigint) = {{ _publishing_key() }}
    )
$publishing$;

-- the phase that is being written, once all before it and that one are; null when there is none
-- or nobody is publishing
create or replace function pg_temp.await_phase(after_phase int) returns int
language plpgsql as $await$
declare
    -- dbt may start this publisher first
    patience_ends timestamptz := clock_timestamp() + interval '20 seconds';
    open_phase int;
begin
    loop
        select min(planned.phase)
        from {{ ref('publish_plan_batches') }} as planned
        left join {{ state_relation('batches') }} as batches
            on planned.plan_id::text = batches.plan_id
            and planned.batch_number = batches.batch_number
        where batches.batch_id is null
        into open_phase;
        if open_phase is null then
            return null;
        elsif pg_temp.is_publishing() then
            patience_ends := clock_timestamp();
            if open_phase > after_phase then
                return open_phase;
            end if;
        elsif clock_timestamp() > patience_ends then
            return null;
        end if;
        perform pg_sleep(0.1);
    end loop;
end
$await$;

-- an error is told, not raised: the first publisher comes to this batch too
create or replace function pg_temp.tried_call(command text, what text) returns jsonb
language plpgsql as $tried$
begin
    if not pg_temp.is_publishing() then
        return '{"is_over": true}';
    end if;
    return pg_temp.guarded_call(command, what);
exception
    when query_canceled then
        raise;
    when others then
        return jsonb_build_object('error', sqlerrm);
end
$tried$;
{% endmacro %}


{% macro _publish_batch_ddl(publisher) %}
{%- set tables = publish_tables() -%}
{%- set plan = ref('publish_plan') -%}
{%- set plan_customers = ref('publish_plan_customers') -%}
{%- set published_rows = state_relation('published_rows') -%}
{%- set row_changes = state_relation('row_changes') -%}
create or replace function pg_temp.publish_batch(
    this_batch int, may_wait boolean, attempt int
) returns jsonb
language plpgsql
-- a batch is always a small part of the tables: 1,000,000 customers took twice as long with a
-- full scan per batch
set enable_seqscan = off
set random_page_cost = 1.1
-- with the default, a look-up by key counts three times of what it takes, and a full pass over
-- the table is planned for each batch
set cpu_operator_cost = 0.0005
as $publish$
#variable_conflict use_column
declare
    publisher record;
    claim bigint;
    this_batch_id bigint;
    started timestamptz := clock_timestamp();
    planned_count bigint;
    written_count bigint;
    table_counts jsonb := '{}';
    told jsonb;
    inserted_total bigint := 0;
    updated_total bigint := 0;
    retired_total bigint := 0;
    has_changes boolean;
    batch_customers uuid[];
    is_dense boolean;
    -- a row that the CRM adds this very moment stops the first attempt; only the next ones (or the
    -- only one) look for such a row at each row and in each unique index, an eighth of the time
    on_conflict text := case
        when attempt > 1 or {{ setting('publish_attempts') | int }} = 1
            then 'on conflict do nothing'
        else ''
    end;
begin
    -- one publisher per batch; a lock and not a row, so that a killed one leaves nothing behind
    select hashtextextended('riderra_migration batch ' || plan_id || ' ' || batch_number, 0)
    from {{ ref('publish_plan_batches') }}
    where batch_number = this_batch
    into claim;
    if may_wait then
        perform pg_advisory_xact_lock(claim);
    elsif not pg_try_advisory_xact_lock(claim) then
        return '{"is_busy": true}';
    end if;
    if exists (
        select from {{ state_relation('batches') }} as batches
        inner join {{ ref('publish_plan_batches') }} as planned
            on batches.plan_id = planned.plan_id::text
            and batches.batch_number = planned.batch_number
        where planned.batch_number = this_batch
    ) then
        return '{"is_done": true}';
    end if;

    select run_id, operator from {{ state_relation('runs') }}
    where run_id = '{{ invocation_id }}'
    into publisher;

    insert into {{ state_relation('batches') }} (
        run_id, plan_id, batch_number, operator, started_at, finished_at, attempts,
        publisher
    )
    select
        publisher.run_id,
        plan_id::text,
        batch_number,
        publisher.operator,
        started,
        started,
        attempt,
        {{ publisher }}
    from {{ ref('publish_plan_batches') }}
    where batch_number = this_batch
    returning batch_id into this_batch_id;

    select array_agg(customer_id order by customer_id)
    from {{ plan_customers }}
    where batch_number = this_batch
    into batch_customers;
    -- those of a first load follow each other, with few of other batches between them
    select count(*) < 2 * cardinality(batch_customers)
    from (
        select from {{ ref('customers') }}
        where id between batch_customers[1] and batch_customers[cardinality(batch_customers)]
        limit 2 * cardinality(batch_customers)
    ) as neighbours
    into is_dense;

    -- everybody takes customers in the order of their ids, so two writers wait, not deadlock
    perform 1
    from {{ live_relation('customers') }}
    where
        id in (
            select customer_id from {{ plan_customers }}
            where batch_number = this_batch
            union all
            select previous_customer_id from {{ plan }}
            where
                batch_number = this_batch
                and action in ('update', 'retire')
                and previous_customer_id <> customer_id
        )
    order by id
    for no key update;

    {% for table in tables %}
    {%- if table != 'customers' %}
    {%- set live = live_relation(table) %}
    perform 1
    from {{ live }} as live
    inner join {{ plan }} as plan on {{ _work_join(table, 'plan') }}
    where
        plan.batch_number = this_batch
        and plan.table_name = '{{ table }}'
        and plan.action in ('update', 'retire', 'adopt')
    order by {{ 'live.id' if tables[table]['row_id'] else 'live.customer_id' }}
    for update of live;
    {%- endif %}
    {%- endfor %}

    -- what the plan saw is compared with what is there now, under the locks
    {% for table in tables %}
    insert into publish_work
    select
        plan.table_name,
        plan.row_key,
        plan.row_id,
        plan.customer_id,
        plan.action,
        plan.column_group,
        plan.group_position,
        plan.hashes_to_write,
        plan.after_values,
        plan.reason,
        plan.source_record,
        to_jsonb(live),
        plan.hashes_expected is not distinct from
        case
            when live.{{ customer_column(table) }} is null
                then null
            when plan.group_position is null
                then {{ group_hashes(table, 'live') }}
            else
                ({{ group_hashes(table, 'live') }})
                [plan.group_position:plan.group_position]
        end
    from {{ plan }} as plan
    left join {{ live_relation(table) }} as live
        on {{ _work_join(table, 'plan') }}
    where
        plan.batch_number = this_batch
        and plan.table_name = '{{ table }}'
        and plan.action in ('update', 'retire', 'adopt', 'no_change');
    {%- endfor %}

    select exists (select from publish_work) into has_changes;
    if has_changes then
        -- how much there is to change differs from batch to batch; this also makes the server
        -- plan the statements below anew, for which it would keep the plan of the first batch,
        -- made when the tables were empty
        analyze publish_work;

        -- 1. rows that are gone from the source go first: they may hold a unique value
    {%- for table in tables if table != 'customers' %}
        delete from {{ live_relation(table) }} as live
        using publish_work as work
        where
            work.table_name = '{{ table }}'
            and work.action = 'retire'
            and work.is_untouched
            and {{ _work_join(table, 'work') }};
        get diagnostics written_count = row_count;
        retired_total := retired_total + written_count;
        table_counts := table_counts
            || jsonb_build_object('{{ table }}_retired', written_count);
    {%- endfor %}
    end if;

    -- 2. new customers, companies and people alike: the tables below point at them
    {{ _insert_sql('customers') }}

    insert into publish_owners
    select live.id
    from {{ plan_customers }} as planned
    inner join {{ live_relation('customers') }} as live on planned.customer_id = live.id
    where planned.batch_number = this_batch;

    -- 3. changed rows; a contact stops being primary before another becomes it
    if has_changes then
        {{ _update_sql('customer_contacts', "(work.after_values ->> 'is_primary') = 'false'") }}

        update publish_work as work
        set is_untouched = false
        where
            work.table_name = 'customer_contacts'
            and work.action = 'update'
            and work.is_untouched
            and (work.after_values ->> 'is_primary') = 'true'
            and exists (
                select 1
                from {{ live_relation('customer_contacts') }} as own
                inner join {{ live_relation('customer_contacts') }} as other
                    on
                        own.customer_id = other.customer_id
                        and own.channel = other.channel
                        and own.id <> other.id
                where own.id = work.row_id and other.is_primary
            );

    {% for table in tables %}
        {{ _update_sql(table, "(work.after_values ->> 'is_primary') is distinct from 'false'") }}
    {%- endfor %}
    end if;

    -- 4. new rows of the other tables
    {% for table in tables if table != 'customers' %}
    {{ _insert_sql(table) }}
    {%- endfor %}

    -- 5. before-images, then the baseline
    if has_changes then
        insert into {{ row_changes }} (
            batch_id, table_name, row_key, row_id, customer_id, action, column_groups,
            changed_columns, before_values, after_values, before_published, reason,
            source_record
        )
        select
            this_batch_id,
            work.table_name,
            work.row_key,
            work.row_id,
            work.customer_id,
            case
                when not work.is_untouched then 'left_alone'
                when work.action = 'no_change' then 'forget'
                when work.action = 'retire' and work.column_groups is not null then 'update'
                else work.action
            end,
            coalesce(work.column_groups, '{}'),
            case when work.action <> 'retire' then coalesce(patch.columns, '{}') else '{}' end,
            case
                when not work.is_untouched then null
                when work.column_groups is null then work.live_row
                else (
                    select jsonb_object_agg(kept.key, kept.value)
                    from jsonb_each(work.live_row) as kept
                    where kept.key = any(
                        patch.columns
                        || case work.table_name
                            {%- for table, spec in tables.items() %}
                            when '{{ table }}'
                                then array['{{ spec['stamps'] | list | join("', '") }}']
                            {%- endfor %}
                        end
                    )
                )
            end,
            case when work.is_untouched and work.live_row is not null then patch.patch end,
            to_jsonb(known),
            case when work.is_untouched then work.reason else 'edited_in_crm_meanwhile' end,
            work.source_record
        from (
            select
                table_name,
                row_key,
                action,
                is_untouched,
                min(reason) as reason,
                min(source_record) as source_record,
                (array_agg(row_id))[1] as row_id,
                (array_agg(customer_id))[1] as customer_id,
                (array_agg(live_row))[1] as live_row,
                array_agg(column_group order by group_position)
                    filter (where column_group is not null) as column_groups
            from publish_work
            where reason <> 'crm_and_source_agree'
            group by table_name, row_key, action, is_untouched
        ) as work
        left join (
            select
                publish_work.table_name,
                publish_work.row_key,
                publish_work.action,
                publish_work.is_untouched,
                jsonb_object_agg(written.key, written.value) as patch,
                array_agg(written.key) as columns
            from publish_work
            cross join lateral jsonb_each(publish_work.after_values) as written
            group by
                publish_work.table_name,
                publish_work.row_key,
                publish_work.action,
                publish_work.is_untouched
        ) as patch
            on
                work.table_name = patch.table_name
                and work.row_key = patch.row_key
                and work.action = patch.action
                and work.is_untouched = patch.is_untouched
        left join {{ published_rows }} as known
            on work.table_name = known.table_name and work.row_key = known.row_key;

        delete from {{ published_rows }} as known
        using publish_work as work
        where
            work.table_name = known.table_name
            and work.row_key = known.row_key
            and (
                work.reason = 'gone_on_both_sides'
                or (
                    work.action = 'retire'
                    and work.group_position is null
                    and work.is_untouched
                )
            );

        insert into {{ published_rows }} (
            table_name, row_key, row_id, customer_id, first_batch_id, batch_id, group_hashes
        )
        select
            table_name,
            row_key,
            row_id,
            customer_id,
            this_batch_id,
            this_batch_id,
            hashes_to_write
        from publish_work
        where action = 'adopt' and is_untouched;

        update {{ published_rows }} as known
        set
            customer_id = written.customer_id,
            batch_id = case
                when written.is_agreement then known.batch_id else this_batch_id
            end,
            group_hashes = (
                select
                    array_agg(
                        coalesce(
                            (written.hashes ->> side.group_position::text)::bigint,
                            side.group_hash
                        )
                        order by side.group_position
                    )
                from
                    unnest(
                        known.group_hashes
                        || (written.unwritten_hashes)[cardinality(known.group_hashes) + 1:]
                    ) with ordinality as side (group_hash, group_position)
            )
        from (
            select
                work.table_name,
                work.row_key,
                (array_agg(work.customer_id))[1] as customer_id,
                bool_and(work.reason = 'crm_and_source_agree') as is_agreement,
                jsonb_object_agg(work.group_position, work.hashes_to_write[1]) as hashes,
                case work.table_name
                    {%- for table in tables %}
                    when '{{ table }}' then {{ unwritten_hashes(table) }}
                    {%- endfor %}
                end as unwritten_hashes
            from publish_work as work
            where
                work.group_position is not null
                and (work.is_untouched or work.reason = 'crm_and_source_agree')
            group by work.table_name, work.row_key
        ) as written
        where
            known.table_name = written.table_name
            and known.row_key = written.row_key;
    end if;

    -- 6. who is who; what a record was before it moved is kept for a rollback
    insert into {{ row_changes }} (
        batch_id, table_name, row_key, row_id, customer_id, action, before_values,
        source_record
    )
    select
        this_batch_id,
        'customer_identity',
        md5(known.planfix_id::text)::uuid,
        identities.customer_id,
        identities.customer_id,
        'update',
        to_jsonb(known),
        'planfix:' || known.planfix_id
    from {{ ref('publish_plan_identities') }} as identities
    inner join {{ plan_customers }} as planned
        on identities.customer_id = planned.customer_id
    inner join {{ state_relation('customer_identity') }} as known
        on identities.planfix_id = known.planfix_id
    -- most records of a first run were nobody before
    where planned.batch_number = this_batch and identities.previous_customer_id is not null;

    insert into {{ state_relation('customer_identity') }} as known (
        planfix_id, customer_id, cluster_id, match_rule, run_id
    )
    select
        identities.planfix_id,
        identities.customer_id,
        identities.cluster_id,
        identities.match_rule,
        publisher.run_id
    from {{ ref('publish_plan_identities') }} as identities
    inner join {{ plan_customers }} as planned
        on identities.customer_id = planned.customer_id
    where planned.batch_number = this_batch
    on conflict (planfix_id) do update
    set
        customer_id = excluded.customer_id,
        cluster_id = excluded.cluster_id,
        match_rule = excluded.match_rule,
        run_id = excluded.run_id,
        assigned_at = case
            when known.customer_id = excluded.customer_id
                then known.assigned_at
            else excluded.assigned_at
        end;

    insert into {{ state_relation('identity_events') }} (
        run_id, event, customer_id, other_customer_id, planfix_id, detail
    )
    select
        publisher.run_id,
        events.event,
        events.customer_id,
        events.other_customer_id,
        events.planfix_id,
        events.detail
    from {{ ref('publish_plan_events') }} as events
    inner join {{ plan_customers }} as planned
        on events.customer_id = planned.customer_id
    where planned.batch_number = this_batch
    order by events.event_number;

    update {{ state_relation('batches') }}
    set
        customers = (
            select count(*) from {{ plan_customers }} where batch_number = this_batch
        ),
        rows_inserted = inserted_total,
        rows_updated = updated_total,
        rows_retired = retired_total,
        rows_left = (
            select count(*) from {{ row_changes }}
            where batch_id = this_batch_id and action = 'left_alone'
        ),
        counts = (
            select coalesce(jsonb_object_agg(written.key, written.value), '{}')
            from jsonb_each(table_counts) as written
            where written.value <> '0'
        ),
        finished_at = clock_timestamp()
    where batch_id = this_batch_id
    returning jsonb_build_object(
        'customers', customers,
        'inserted', rows_inserted,
        'updated', rows_updated,
        'retired', rows_retired,
        'left', rows_left,
        'attempts', attempts
    ) into told;
    return told;
end
$publish$;
{% endmacro %}


{#- Live row of a planned one. A tag has no id: its customer finds it by an index. -#}
{% macro _work_join(table, alias) %}
    {%- if publish_tables()[table]['row_id'] -%}
        {{- return('live.id = ' ~ alias ~ '.row_id') -}}
    {%- else -%}
        {{- return(
            'live.customer_id = ' ~ alias ~ '.customer_id and '
            ~ row_id(table, 'live') ~ ' = ' ~ alias ~ '.row_id'
        ) -}}
    {%- endif -%}
{% endmacro %}


{% macro _insert_sql(table) %}
{%- set spec = publish_tables()[table] -%}
{%- set own = spec['columns'] | reject('in', spec['stamps']) | list -%}
{%- set values = [] -%}
{%- for column in own -%}
    {%- do values.append('image.' ~ column) -%}
{%- endfor -%}
{%- for stamp in spec['stamps'].values() -%}
    {%- do values.append(stamp[0]) -%}
{%- endfor -%}
    select count(*)
    from {{ ref('publish_plan') }}
    where batch_number = this_batch and table_name = '{{ table }}' and action = 'insert'
    into planned_count;
    if planned_count > 0 then
        -- as text, so that it is planned for this batch. The setting that would do so without
        -- has the foreign keys of each row planned anew as well, a fifth of the time.
        -- Ready rows of customers that follow each other are read in one go and hashed, which
        -- takes half as long as finding each by its id; how many of them there are the planner
        -- cannot tell from a range of uuids
        perform set_config('enable_nestloop', (not is_dense)::text, true);
        execute $insert$
            with publisher (operator, run_id) as (
                values ($3, $4)
            ),

            planned as materialized (
                select row_key, row_id, customer_id, hashes_to_write, overrides
                from {{ ref('publish_plan') }}
                where
                    batch_number = $1
                    and table_name = '{{ table }}'
                    and action = 'insert'
            ),

            written as (
                insert into {{ live_relation(table) }} (
                    {{ (own + spec['stamps'] | list) | join(', ') }}
                )
                select
                    {{ values | join(',\n                    ') }}
                from planned
                cross join publisher
                inner join {{ ref(table) }} as ready
                    on
                        {%- if spec['row_id'] %} ready.id = planned.row_id
                        {%- else %} ready.customer_id = planned.customer_id
                        and {{ row_key(table, 'ready') }} = planned.row_key
                        {%- endif %}
                        $insert$ || case
                            when is_dense
                                then 'and ready.{{ customer_column(table) }} between $5 and $6'
                            else ''
                        end || $insert$
                {%- if table != 'customers' %}
                -- a customer that the CRM removed meanwhile gets nothing
                inner join publish_owners as owner
                    on planned.customer_id = owner.customer_id
                {%- endif %}
                cross join lateral (
                    select {{ 'ready.' ~ own | join(', ready.') }}
                    where planned.overrides is null
                    union all
                    select {{ 'populated.' ~ own | join(', populated.') }}
                    from
                        jsonb_populate_record(
                            null::{{ live_relation(table) }},
                            to_jsonb(ready) || planned.overrides
                        ) as populated
                    where planned.overrides is not null
                ) as image
                $insert$ || on_conflict || $insert$
                returning
                    {% if spec['row_id'] -%}
                    id as row_id
                    {%- else -%}
                    {{ row_id(table, live_relation(table).identifier) }} as row_id
                    {%- endif %}
            )

            insert into {{ state_relation('published_rows') }} (
                table_name, row_key, row_id, customer_id, first_batch_id, batch_id,
                group_hashes
            )
            select
                '{{ table }}',
                planned.row_key,
                planned.row_id,
                planned.customer_id,
                $2,
                $2,
                planned.hashes_to_write
            from planned
            inner join written on planned.row_id = written.row_id
        $insert$
        using
            this_batch,
            this_batch_id,
            publisher.operator,
            publisher.run_id,
            batch_customers[1],
            batch_customers[cardinality(batch_customers)];
        get diagnostics written_count = row_count;
        perform set_config('enable_nestloop', 'on', true);
        inserted_total := inserted_total + written_count;
        table_counts := table_counts || jsonb_build_object('{{ table }}_inserted', written_count);
        if written_count < planned_count then
            -- the CRM was faster: it has such a row now, or the customer is gone
            insert into {{ state_relation('row_changes') }} (
                batch_id, table_name, row_key, row_id, customer_id, action, reason,
                source_record
            )
            select
                this_batch_id,
                plan.table_name,
                plan.row_key,
                plan.row_id,
                plan.customer_id,
                'left_alone',
                'appeared_in_crm_meanwhile',
                plan.source_record
            from {{ ref('publish_plan') }} as plan
            left join {{ state_relation('published_rows') }} as known
                on plan.table_name = known.table_name and plan.row_key = known.row_key
            where
                plan.batch_number = this_batch
                and plan.table_name = '{{ table }}'
                and plan.action = 'insert'
                and known.row_key is null;
        end if;
    end if;
{% endmacro %}


{% macro _update_sql(table, condition) %}
{%- set spec = publish_tables()[table] -%}
{%- if spec['row_id'] %}
{%- set columns = spec['groups'].values() | sum(start=[]) -%}
{%- set changes = [] -%}
{%- for column in columns -%}
    {%- do changes.append(column ~ ' = patched.' ~ column) -%}
{%- endfor -%}
{%- for column, stamp in spec['stamps'].items() if stamp[1] -%}
    {%- do changes.append(column ~ ' = ' ~ stamp[1]) -%}
{%- endfor %}
    update {{ live_relation(table) }} as live
    set
        {{ changes | join(',\n        ') }}
    from (
        select
            work.row_id,
            {{ 'populated.' ~ columns | join(', populated.') }}
        from (
            select
                work.row_id,
                jsonb_object_agg(patch.key, patch.value) as patch
            from publish_work as work
            cross join lateral jsonb_each(work.after_values) as patch
            where
                work.table_name = '{{ table }}'
                and work.action in ('update', 'retire')
                and work.group_position is not null
                and work.is_untouched
            group by work.row_id
            having bool_and({{ condition }})
        ) as work
        inner join {{ live_relation(table) }} as current_row
            on work.row_id = current_row.id
        cross join lateral
            jsonb_populate_record(current_row, work.patch) as populated
    ) as patched
    where live.id = patched.row_id;
    get diagnostics written_count = row_count;
    updated_total := updated_total + written_count;
    table_counts := table_counts || jsonb_build_object(
        '{{ table }}_updated',
        coalesce((table_counts ->> '{{ table }}_updated')::bigint, 0) + written_count
    );
{%- endif %}
{% endmacro %}
