{% macro live_schema() %}
    {{- return(_target_schema(setting('riderra_schema'), target)) -}}
{% endmacro %}
