{#- Where the functions of matching live: beside the models that call them. #}
{% macro matching_schema() %}
    {{- return(_generate_schema_name('intermediate', target)) -}}
{% endmacro %}
