{% macro analyze_table(relation, materialized) %}
    {%- if materialized != 'view' -%}
        analyze {{ relation }}
    {%- endif -%}
{% endmacro %}
