{% macro setting(name) %}
    {{- return(env_var(
        'RIDERRA_' ~ (name | upper).removeprefix('RIDERRA_'), var(name) | string
    )) -}}
{% endmacro %}
