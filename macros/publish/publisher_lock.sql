{#- One publisher (or rollback) per live schema. The lock goes with the session, also a killed one. -#}
{% macro take_publisher_lock() %}
    {%- set taken = run_query(
        "select pg_try_advisory_lock(" ~ _publisher_lock_key() ~ ")"
    ).rows[0][0] -%}
    {%- if not taken -%}
        {%- do _stop_run(
            'another publisher is writing to schema ' ~ live_schema() ~ ' right now: wait '
            ~ 'until it has finished. If it was killed, the server lets go within seconds.'
        ) -%}
    {%- endif -%}
{% endmacro %}


{% macro release_publisher_lock() %}
    {%- do run_query("select pg_advisory_unlock(" ~ _publisher_lock_key() ~ ")") -%}
{% endmacro %}


{% macro _publisher_lock_key() %}
    {{- return("hashtextextended('riderra_migration publisher " ~ live_schema() ~ "', 0)") -}}
{% endmacro %}


{#- Held by the first publisher of this run of dbt while it writes: others of the run may help. -#}
{% macro _publishing_key() %}
    {{- return(
        "hashtextextended('riderra_migration publishing " ~ live_schema() ~ " " ~ invocation_id
        ~ "', 0)"
    ) -}}
{% endmacro %}
