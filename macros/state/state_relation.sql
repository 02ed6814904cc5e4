{% macro state_relation(name) %}
    {{- return(source('migration', name)) -}}
{% endmacro %}
