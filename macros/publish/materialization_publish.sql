{#-
    Carries the plan out: one transaction per batch, committed before the next begins. The
    relation it leaves behind is a view of the model's own query, the history of batches.
-#}
{% materialization publish, adapter='postgres' %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {{ run_hooks(pre_hooks, inside_transaction=false) }}

    {%- if flags.EMPTY -%}
        {%- do log('--empty: nothing is published', info=true) -%}
    {%- else -%}
        {%- do _publish_all() -%}
    {%- endif -%}

    {% call statement('main', auto_begin=true) -%}
        drop view if exists {{ target_relation }} cascade;
        create view {{ target_relation }} as (
            {{ sql }}
        );
    {%- endcall %}
    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks, inside_transaction=true) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=false) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}


{% macro _publish_all() %}
    {%- do begin_run('publish') -%}
    {%- do _stop_at_gates() -%}
    {%- do take_publisher_lock() -%}
    {%- set batches = _batches_to_publish() -%}
    {%- if not batches -%}
        {%- do log('nothing to publish: the CRM is as the source says', info=true) -%}
    {%- else -%}
        {%- call statement('publish_functions', auto_begin=true) -%}
            {{ publish_batch_ddl() }}
        {%- endcall -%}
        {%- do adapter.commit() -%}
        {%- do _publish_batches(batches) -%}
    {%- endif -%}
    {%- do release_publisher_lock() -%}
    {%- do end_run('done') -%}
{% endmacro %}


{% macro _publish_batches(batches) %}
    {%- set now = modules.datetime.datetime.now -%}
    {%- set started = now() -%}
    {%- set total = batches | sum(attribute='customers') -%}
    {%- set seen = namespace(
        customers=0, inserted=0, updated=0, retired=0, left=0, told=started
    ) -%}
    {%- for batch in batches -%}
        {%- call statement('publish_batch', fetch_result=true, auto_begin=true) -%}
            set transaction isolation level read committed;
            set local lock_timeout = '{{ setting('publish_lock_timeout') }}';
            select pg_temp.guarded_call(
                'select pg_temp.publish_batch({{ batch['batch_number'] }}, $1)',
                'batch {{ batch['batch_number'] }}'
            )
        {%- endcall -%}
        {%- do adapter.commit() -%}
        {%- set written = fromjson(load_result('publish_batch')['data'][0][0]) -%}
        {%- set seen.customers = seen.customers + batch['customers'] -%}
        {%- set seen.inserted = seen.inserted + written['inserted'] -%}
        {%- set seen.updated = seen.updated + written['updated'] -%}
        {%- set seen.retired = seen.retired + written['retired'] -%}
        {%- set seen.left = seen.left + written['left'] -%}
        {%- if loop.last or (now() - seen.told).total_seconds() >= 5 -%}
            {%- set seen.told = now() -%}
            {%- set seconds = (seen.told - started).total_seconds() -%}
            {%- do log(
                'published ' ~ loop.index ~ ' of ' ~ loop.length ~ ' batches, '
                ~ seen.customers ~ ' of ' ~ total ~ ' customers: '
                ~ seen.inserted ~ ' rows inserted, ' ~ seen.updated ~ ' updated, '
                ~ seen.retired ~ ' retired, ' ~ seen.left ~ ' left to the CRM, '
                ~ seconds | round(1) ~ ' s'
                ~ ('' if loop.last else ', about '
                    ~ (seconds / loop.index * (loop.length - loop.index)) | round | int
                    ~ ' s to go'),
                info=true
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}


{#- Batches of the plan that are not in the CRM yet; refuses a plan that no longer holds. -#}
{% macro _batches_to_publish() %}
    {%- set state = run_query(
        "select"
        ~ " (select count(*) from (select distinct plan_id from " ~ ref('publish_plan_batches')
        ~ "     union select plan_id from " ~ ref('publish_plan') ~ " limit 2) as plans)"
        ~ " as plans,"
        ~ " (select count(*) from " ~ ref('publish_plan') ~ ") as plan_rows,"
        ~ " exists (select from " ~ state_relation('published_rows') ~ ") as has_baseline,"
        ~ " exists (select from " ~ ref('customers') ~ ") as has_ready,"
        ~ " exists ("
        ~ "     select from " ~ state_relation('batches') ~ " as batches"
        ~ "     cross join (select plan_id, last_batch_id from " ~ ref('publish_plan_batches')
        ~ "         limit 1) as planned"
        ~ "     where batches.batch_id > planned.last_batch_id"
        ~ "     and batches.plan_id <> planned.plan_id::text"
        ~ " ) as is_stale"
    ).rows[0] -%}
    {%- if state['plans'] > 1 or state['is_stale'] -%}
        {%- do _stop_run(
            'the publish plan is out of date: something was published or rolled back since it '
            ~ 'was made. Run dbt build, or dbt build --select publish_comparison+.'
        ) -%}
    {#- a plan has a row for every ready and every published one; emptied ready rows would
        archive every customer -#}
    {%- elif state['has_baseline'] and not state['has_ready']
        or state['plan_rows'] == 0 and (state['has_baseline'] or state['has_ready']) -%}
        {%- do _stop_run(
            'there is nothing to publish though there was: the server lost its unlogged tables '
            ~ 'in a crash. Run dbt build.'
        ) -%}
    {%- endif -%}
    {%- set open = run_query(
        "select planned.batch_number, planned.customers"
        ~ " from " ~ ref('publish_plan_batches') ~ " as planned"
        ~ " left join " ~ state_relation('batches') ~ " as batches"
        ~ " on planned.plan_id::text = batches.plan_id"
        ~ " and planned.batch_number = batches.batch_number"
        ~ " where batches.batch_id is null order by planned.batch_number"
    ) -%}
    {%- set batches = [] -%}
    {%- for row in open.rows -%}
        {%- do batches.append({
            'batch_number': row['batch_number'] | int, 'customers': row['customers'] | int
        }) -%}
    {%- endfor -%}
    {{- return(batches) -}}
{% endmacro %}


{#- The gates are read here too: `dbt run` goes straight past tests. -#}
{% macro _stop_at_gates() %}
    {%- set gates = run_query(
        "select gate, sentence, passed, is_waived, waiver_reason from "
        ~ ref('migration_gates') ~ " order by gate"
    ).rows -%}
    {%- set lines = [] -%}
    {%- for row in gates if not row['passed'] -%}
        {%- do lines.append(row['gate'] ~ ': ' ~ row['sentence']) -%}
    {%- endfor -%}
    {%- for row in gates if row['is_waived'] -%}
        {%- do log(
            'waived gate ' ~ row['gate'] ~ ': ' ~ row['sentence'] ~ ' Reason: '
            ~ row['waiver_reason'],
            info=true
        ) -%}
    {%- endfor -%}
    {%- if not gates -%}
        {%- do _stop_run(
            'no gate was judged: quality.migration_gates is empty, as unlogged tables are '
            ~ 'after a crash of the server. Run dbt build.'
        ) -%}
    {%- elif lines -%}
        {%- set told = 'gates stop the publishing.\n  ' ~ lines | join('\n  ')
            ~ '\n  Look at quality.migration_gates and publish.publish_plan_summary; the Owner '
            ~ 'can accept one for a time with dbt run-operation grant_waiver.' -%}
        {%- if target.name == 'dry_run' -%}
            {%- do log('dry run goes on although ' ~ told, info=true) -%}
        {%- else -%}
            {%- do _stop_run(told) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{% macro _stop_run(message) %}
    {%- do end_run('stopped') -%}
    {%- do exceptions.raise_compiler_error(message) -%}
{% endmacro %}
