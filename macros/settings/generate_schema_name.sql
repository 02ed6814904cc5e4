{% macro generate_schema_name(custom_schema_name, node) %}
    {{- return(_generate_schema_name(custom_schema_name, target)) -}}
{% endmacro %}


{% macro _generate_schema_name(custom_schema_name, target) %}
    {%- set name = (custom_schema_name or target.schema) | trim -%}
    {{- return('dry_run_' ~ name if target.name == 'dry_run' else name) -}}
{% endmacro %}
