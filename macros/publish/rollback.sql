{#-
    Takes a run (or `all`) back, newest batch first, one transaction per batch:
    dbt run-operation rollback --args '{run_id: …}'
-#}
{% macro rollback(run_id='', despite_sign_off=false) %}
    {%- if execute -%}
        {%- do check_server() -%}
        {%- do _check_rollback(run_id, despite_sign_off) -%}
        {%- do begin_run('rollback') -%}
        {%- do take_publisher_lock() -%}
        {%- set batches = run_query(
            "select batches.batch_id from " ~ state_relation('batches') ~ " as batches"
            ~ " inner join " ~ state_relation('runs') ~ " as runs"
            ~ " on batches.run_id = runs.run_id"
            ~ " where batches.kind = 'publish'"
            ~ ("" if run_id == 'all' else " and batches.run_id = " ~ sql_text(run_id))
            ~ " order by batches.batch_id desc"
        ).columns[0].values() -%}
        {%- call statement('rollback_functions', auto_begin=true) -%}
            {{ rollback_batch_ddl() }}
        {%- endcall -%}
        {%- do adapter.commit() -%}
        {%- set seen = namespace(removed=0, restored=0, returned=0, left=0) -%}
        {%- for batch_id in batches -%}
            {%- call statement('rollback_batch', fetch_result=true, auto_begin=true) -%}
                set transaction isolation level read committed;
                set local lock_timeout = '{{ setting('publish_lock_timeout') }}';
                select pg_temp.guarded_call(
                    'select pg_temp.rollback_batch({{ batch_id }}, {{ loop.index }}, $1)',
                    'the rollback of batch {{ batch_id }}'
                )
            {%- endcall -%}
            {%- do adapter.commit() -%}
            {%- set undone = fromjson(load_result('rollback_batch')['data'][0][0]) -%}
            {%- set seen.removed = seen.removed + undone['removed'] -%}
            {%- set seen.restored = seen.restored + undone['restored'] -%}
            {%- set seen.returned = seen.returned + undone['returned'] -%}
            {%- set seen.left = seen.left + undone['left'] -%}
            {%- if loop.index % 20 == 0 or loop.last -%}
                {%- do log(
                    'took back ' ~ loop.index ~ ' of ' ~ loop.length ~ ' batches: '
                    ~ seen.removed ~ ' new rows removed, ' ~ seen.restored
                    ~ ' changed rows restored, ' ~ seen.returned ~ ' deleted rows returned, '
                    ~ seen.left ~ ' rows left as the CRM has them',
                    info=true
                ) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do release_publisher_lock() -%}
        {%- do end_run('done') -%}
        {%- if seen.left -%}
            {%- do _tell_leftovers() -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{% macro _check_rollback(run_id, despite_sign_off) %}
    {%- if not run_id -%}
        {%- do exceptions.raise_compiler_error(
            "name the run to take back: --args '{run_id: …}', or all for every run. "
            ~ _latest_runs()
        ) -%}
    {%- endif -%}
    {%- set found = run_query(
        "select"
        ~ " (select count(*) from " ~ state_relation('runs') ~ " where kind = 'publish'"
        ~ ("" if run_id == 'all' else " and run_id = " ~ sql_text(run_id)) ~ ") as runs,"
        ~ " exists (select from " ~ state_relation('sign_offs')
        ~ ("" if run_id == 'all' else " where run_id = " ~ sql_text(run_id))
        ~ ") as is_signed,"
        ~ " exists (select from " ~ state_relation('row_changes') ~ " as changes"
        ~ "     inner join " ~ state_relation('batches') ~ " as batches"
        ~ "     on changes.batch_id = batches.batch_id"
        ~ "     where changes.action in ('update', 'retire') and changes.before_values is null"
        ~ ("" if run_id == 'all' else " and batches.run_id = " ~ sql_text(run_id))
        ~ ") as is_purged"
    ).rows[0] -%}
    {%- if found['runs'] == 0 -%}
        {%- do exceptions.raise_compiler_error(
            'no run ' ~ run_id ~ ' has published anything. ' ~ _latest_runs()
        ) -%}
    {%- elif found['is_signed'] and not despite_sign_off -%}
        {%- do exceptions.raise_compiler_error(
            'the Owner has signed this off: taking it back needs the Owner again, and '
            ~ 'despite_sign_off: true in --args.'
        ) -%}
    {%- elif found['is_purged'] -%}
        {%- do exceptions.raise_compiler_error(
            'the before-images of run ' ~ run_id ~ ' were purged: nothing is left to restore '
            ~ 'its changes from. Restore a backup of the database instead.'
        ) -%}
    {%- endif -%}
{% endmacro %}


{% macro _latest_runs() %}
    {%- set runs = run_query(
        "select run_id || ' (' || to_char(started_at, 'YYYY-MM-DD HH24:MI') || ')' as run"
        ~ " from " ~ state_relation('runs') ~ " where kind = 'publish'"
        ~ " order by started_at desc limit 5"
    ).columns[0].values() -%}
    {{- return('Latest runs: ' ~ (runs | join(', ') or 'none') ~ '.') -}}
{% endmacro %}


{% macro _tell_leftovers() %}
    {%- set left = run_query(
        "select table_name, reason, count(*) as left_rows from "
        ~ state_relation('rollback_leftovers') ~ " where run_id = '" ~ invocation_id
        ~ "' group by table_name, reason order by table_name, reason"
    ) -%}
    {%- for row in left.rows -%}
        {%- do log(
            'left: ' ~ row['left_rows'] ~ ' of ' ~ row['table_name'] ~ ', ' ~ row['reason'],
            info=true
        ) -%}
    {%- endfor -%}
    {%- do log(
        'rows by id: select * from ' ~ state_relation('rollback_leftovers')
        ~ " where run_id = '" ~ invocation_id ~ "'",
        info=true
    ) -%}
{% endmacro %}
