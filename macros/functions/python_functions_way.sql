{#- in_database or precomputed: what the var python_functions says, else what the server can do -#}
{% macro python_functions_way() %}
    {%- set wanted = setting('python_functions') -%}
    {%- if wanted not in ('auto', 'in_database', 'precomputed') -%}
        {%- do exceptions.raise_compiler_error(
            "python_functions is '" ~ wanted ~ "': auto, in_database or precomputed"
        ) -%}
    {%- endif -%}
    {%- if wanted == 'precomputed' or not execute -%}
        {{- return('precomputed') -}}
    {%- endif -%}
    {%- set obstacle = python_functions_obstacle() -%}
    {%- if obstacle and wanted == 'in_database' -%}
        {%- do exceptions.raise_compiler_error(
            'python_functions is in_database, but ' ~ obstacle
        ) -%}
    {%- endif -%}
    {{- return('precomputed' if obstacle else 'in_database') -}}
{% endmacro %}
