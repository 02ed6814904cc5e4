{#-
    From now on (or since `started_at`) nobody changes Planfix any more:
    dbt run-operation declare_freeze --args '{declared_by: …}'
-#}
{% macro declare_freeze(declared_by, started_at=none, comment=none) %}
    {%- if execute -%}
        {%- do ensure_state_tables() -%}
        {%- if not declared_by | string | trim -%}
            {%- do exceptions.raise_compiler_error('say who declares the freeze: declared_by.') -%}
        {%- endif -%}
        {%- do run_in_transaction(
            "insert into " ~ state_relation('freezes')
            ~ " (started_at, declared_by, comment) values (coalesce("
            ~ sql_text(started_at) ~ "::timestamptz, now()), " ~ sql_text(declared_by) ~ ", "
            ~ sql_text(comment) ~ ")",
            'the freeze is declared; next: dlt pipeline run, then dbt build'
        ) -%}
    {%- endif -%}
{% endmacro %}
