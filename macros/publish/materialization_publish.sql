{#-
    Carries the plan out: one transaction per batch, committed before the next begins. The
    relation it leaves behind is a view of the model's own query, the history of batches.

    One model publishes; others with this materialization and `meta: {publisher: 2}` and so on
    stand beside it and take a share of each phase, as far as dbt has a thread for them.
-#}
{% materialization publish, adapter='postgres' %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {{ run_hooks(pre_hooks, inside_transaction=false) }}

    {%- if flags.EMPTY -%}
        {%- do log('--empty: nothing is published', info=true) -%}
    {%- else -%}
        {%- set publisher = config.get('meta', {}).get('publisher', 1) -%}
        {%- if publisher == 1 -%}
            {%- do _publish_all() -%}
        {%- elif target.threads >= publisher
            and 'model.' ~ project_name ~ '.publish_batches' in selected_resources -%}
            {%- do _publish_beside(publisher) -%}
        {%- endif -%}
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
        {%- do _create_publish_functions(1) -%}
        {#- from here on others may help -#}
        {%- do run_query("select pg_advisory_lock(" ~ _publishing_key() ~ ")") -%}
        {%- set started = modules.datetime.datetime.now() -%}
        {#- a phase begins when the one before it is written: who is pointed at comes first -#}
        {%- for phase in batches | groupby('phase') -%}
            {%- set busy = _publish_batches(phase.list, started, false) -%}
            {%- do _publish_batches(busy, started, true) -%}
        {%- endfor -%}
        {%- do _tell_progress(started) -%}
        {%- do run_query("select pg_advisory_unlock(" ~ _publishing_key() ~ ")") -%}
    {%- endif -%}
    {%- do release_publisher_lock() -%}
    {%- do end_run('done') -%}
{% endmacro %}


{#- Batches one after another; returns those that another publisher has in hand, or waits for it. -#}
{% macro _publish_batches(batches, started, may_wait) %}
    {%- set busy = [] -%}
    {%- set seen = namespace(told=modules.datetime.datetime.now()) -%}
    {%- for batch in batches -%}
        {%- set told = _publish_batch(batch, 'guarded_call', may_wait) -%}
        {%- if told['is_busy'] -%}
            {%- do busy.append(batch) -%}
        {%- endif -%}
        {%- if (modules.datetime.datetime.now() - seen.told).total_seconds() >= 5 -%}
            {%- set seen.told = modules.datetime.datetime.now() -%}
            {%- do _tell_progress(started) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(busy) -}}
{% endmacro %}


{#-
    A share of each phase, while the first publisher of this run is at work: its gates, its lock
    and its checks of the plan stand for both. What goes wrong here is left to the first one,
    which comes to every batch that is not written and tells of its errors.
-#}
{% macro _publish_beside(publisher) %}
    {%- do _create_publish_functions(publisher) -%}
    {%- set seen = namespace(batches=0, phase=0, is_over=false) -%}
    {%- for _ in range(3) if not seen.is_over -%}
        {%- set seen.phase = _await_phase(seen.phase) -%}
        {%- set seen.is_over = seen.phase is none -%}
        {%- for batch in _open_batches(seen.phase or 0) if not seen.is_over -%}
            {%- set told = _publish_batch(batch, 'tried_call', false) -%}
            {%- if told['is_over'] -%}
                {%- set seen.is_over = true -%}
            {%- elif told['error'] -%}
                {%- set seen.is_over = true -%}
                {%- do log(
                    'publisher ' ~ publisher ~ ' stops: ' ~ told['error'], info=true
                ) -%}
            {%- elif not told['is_busy'] and not told['is_done'] -%}
                {%- set seen.batches = seen.batches + 1 -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do log('publisher ' ~ publisher ~ ' wrote ' ~ seen.batches ~ ' batches') -%}
{% endmacro %}


{% macro _await_phase(after_phase) %}
    {%- call statement('await_phase', fetch_result=true, auto_begin=true) -%}
        select pg_temp.await_phase({{ after_phase }})
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {{- return(load_result('await_phase')['data'][0][0]) -}}
{% endmacro %}


{% macro _create_publish_functions(publisher) %}
    {%- call statement('publish_functions', auto_begin=true) -%}
        {{ publish_batch_ddl(publisher) }}
    {%- endcall -%}
    {%- do adapter.commit() -%}
{% endmacro %}


{% macro _publish_batch(batch, call_name, may_wait) %}
    {%- call statement('publish_batch', fetch_result=true, auto_begin=true) -%}
        set transaction isolation level read committed;
        set local lock_timeout = '{{ setting('publish_lock_timeout') }}';
        select pg_temp.{{ call_name }}(
            'select pg_temp.publish_batch({{ batch['batch_number'] }}, {{ may_wait }}, $1)',
            'batch {{ batch['batch_number'] }}'
        )
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {{- return(fromjson(load_result('publish_batch')['data'][0][0])) -}}
{% endmacro %}


{#- What this run committed, whichever publisher wrote it. -#}
{% macro _tell_progress(started) %}
    {%- set done = run_query(
        "select count(batches.batch_id) as batches, count(*) as all_batches,"
        ~ " coalesce(sum(batches.customers), 0) as customers,"
        ~ " sum(planned.customers) as all_customers,"
        ~ " coalesce(sum(batches.rows_inserted), 0) as inserted,"
        ~ " coalesce(sum(batches.rows_updated), 0) as updated,"
        ~ " coalesce(sum(batches.rows_retired), 0) as retired,"
        ~ " coalesce(sum(batches.rows_left), 0) as left_rows"
        ~ " from " ~ ref('publish_plan_batches') ~ " as planned"
        ~ " left join " ~ state_relation('batches') ~ " as batches"
        ~ " on planned.plan_id::text = batches.plan_id"
        ~ " and planned.batch_number = batches.batch_number"
        ~ " where batches.batch_id is null or batches.run_id = '" ~ invocation_id ~ "'"
    ).rows[0] -%}
    {%- set seconds = (modules.datetime.datetime.now() - started).total_seconds() -%}
    {%- set open = (done['all_batches'] - done['batches']) | int -%}
    {%- do log(
        'published ' ~ done['batches'] ~ ' of ' ~ done['all_batches'] ~ ' batches, '
        ~ done['customers'] ~ ' of ' ~ done['all_customers'] ~ ' customers: '
        ~ done['inserted'] ~ ' rows inserted, ' ~ done['updated'] ~ ' updated, '
        ~ done['retired'] ~ ' retired, ' ~ done['left_rows'] ~ ' left to the CRM, '
        ~ seconds | round(1) ~ ' s'
        ~ ('' if not open or not done['batches'] else ', about '
            ~ (seconds / (done['batches'] | int) * open) | round | int ~ ' s to go'),
        info=true
    ) -%}
{% endmacro %}


{#- Batches of the plan that are not in the CRM yet; refuses a plan that no longer holds. -#}
{% macro _batches_to_publish() %}
    {%- set state = run_query(
        "select"
        ~ " (select count(*) from (select distinct plan_id from " ~ ref('publish_plan_batches')
        ~ "     union select plan_id from " ~ ref('publish_plan') ~ " limit 2) as plans)"
        ~ " as plans,"
        ~ " exists (select from " ~ ref('publish_plan_summary') ~ ") as has_summary,"
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
    {#- the summary counts every ready and every published row; emptied ready rows would archive
        every customer -#}
    {%- elif state['has_baseline'] and not state['has_ready']
        or not state['has_summary'] and (state['has_baseline'] or state['has_ready']) -%}
        {%- do _stop_run(
            'there is nothing to publish though there was: the server lost its unlogged tables '
            ~ 'in a crash. Run dbt build.'
        ) -%}
    {%- endif -%}
    {{- return(_open_batches()) -}}
{% endmacro %}


{#- Batches that are not written yet, of one phase or of all. -#}
{% macro _open_batches(phase=none) %}
    {%- set open = run_query(
        "select planned.batch_number, planned.phase, planned.customers"
        ~ " from " ~ ref('publish_plan_batches') ~ " as planned"
        ~ " left join " ~ state_relation('batches') ~ " as batches"
        ~ " on planned.plan_id::text = batches.plan_id"
        ~ " and planned.batch_number = batches.batch_number"
        ~ " where batches.batch_id is null"
        ~ (" and planned.phase = " ~ phase if phase is not none else "")
        ~ " order by planned.batch_number"
    ) -%}
    {%- set batches = [] -%}
    {%- for row in open.rows -%}
        {%- do batches.append({
            'batch_number': row['batch_number'] | int,
            'phase': row['phase'] | int,
            'customers': row['customers'] | int,
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
