{#-
    Raw rows without content would look as if everybody had lost everything: after a purge only a
    full extract (or new export files) makes a build sensible again.
-#}
{% macro refuse_purged_raw() %}
    {%- if execute -%}
        {%- set state = run_query(
            "select to_char(max(purged_at) at time zone 'UTC', 'YYYY-MM-DD') as purged_on,"
            ~ " coalesce(max(purged_at) > coalesce(greatest("
            ~ "     (select max(finished_at) from planfix_raw.extract_runs"
            ~ "         where mode = 'full' and status = 'completed'),"
            ~ "     (select max(loaded_at) from planfix_csv_raw.export_files)),"
            ~ "     '-infinity'), false) as is_empty"
            ~ " from " ~ state_relation('purges')
        ).rows[0] -%}
        {%- if state['is_empty'] -%}
            {%- do exceptions.raise_compiler_error(
                'the raw data was purged on ' ~ state['purged_on'] ~ ': run a full extract '
                ~ '(dlt pipeline planfix run --full) before building again.'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
