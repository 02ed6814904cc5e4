{#- As dbt's own, without writing the statement below target/run. A seed is the only node that comes
    here, and dbt builds the name of that file with os.path.join(target, 'run', path of the seed):
    with an absolute MAPPING_DIR the path of the seed wins, and the operator's CSV file would be
    overwritten by SQL text (seen with dbt 1.11.16). -#}
{% macro noop_statement(name=none, message=none, code=none, rows_affected=none, res=none) -%}
    {%- set sql = caller() -%}
    {%- if name is not none -%}
        {{ store_raw_result(
            name, message=message, code=code, rows_affected=rows_affected, agate_table=res
        ) }}
    {%- endif -%}
{%- endmacro %}
