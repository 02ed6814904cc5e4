{% macro begin_run(kind) %}
    {%- do run_in_transaction(
        "insert into " ~ state_relation('runs')
        ~ " (run_id, kind, target, operator, source_state) values ('" ~ invocation_id
        ~ "', '" ~ kind ~ "', '" ~ target.name ~ "', " ~ sql_text(operator_name()) ~ ", "
        ~ _source_state_sql() ~ ") on conflict (run_id) do nothing"
    ) -%}
{% endmacro %}


{% macro end_run(status) %}
    {%- do run_in_transaction(
        "update " ~ state_relation('runs') ~ " set status = '" ~ status
        ~ "', finished_at = clock_timestamp() where run_id = '" ~ invocation_id
        ~ "' and status = 'running'"
    ) -%}
{% endmacro %}


{#- Which extract and which files: keys and counts, no names. -#}
{% macro _source_state_sql() %}
    {{- return(
        "(select jsonb_build_object("
        ~ "'extract_run', (select jsonb_build_object('run_id', run_id, 'mode', mode,"
        ~ " 'finished_at', finished_at) from planfix_raw.extract_runs"
        ~ " order by finished_at desc nulls last limit 1),"
        ~ "'export_files', (select coalesce(jsonb_agg(left(file_sha256, 12)"
        ~ " order by file_sha256), '[]') from planfix_csv_raw.export_files)))"
    ) -}}
{% endmacro %}
