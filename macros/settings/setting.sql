{% macro setting(name) %}
    {{- return(env_var('RIDERRA_' ~ name | upper, var(name) | string)) -}}
{% endmacro %}
