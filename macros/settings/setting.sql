{% macro setting(name) %}
    {%- set variable = 'RIDERRA_' ~ (name | upper).removeprefix('RIDERRA_') -%}
    {%- set default = var(name) -%}
    {%- set value = env_var(variable, default | string) | string -%}
    {%- set wanted = _wanted_form(default) -%}
    {%- if wanted and not modules.re.fullmatch(wanted.pattern, value) -%}
        {%- do exceptions.raise_compiler_error(
            variable ~ " is '" ~ value ~ "', but has to be " ~ wanted.words ~ '.'
        ) -%}
    {%- endif -%}
    {{- return(value) -}}
{% endmacro %}


{#- A mistyped number would be 0 to Jinja, and no note or customer within a limit of 0. -#}
{% macro _wanted_form(default) %}
    {%- if default is boolean -%}
        {{- return({'pattern': '(?i)true|false', 'words': 'true or false'}) -}}
    {%- elif default is integer -%}
        {{- return({'pattern': '\\d+', 'words': 'a whole number like ' ~ default}) -}}
    {%- elif default is float -%}
        {{- return({'pattern': '\\d+(\\.\\d+)?', 'words': 'a number like ' ~ default}) -}}
    {%- elif default is string and modules.re.fullmatch('\\d+[kMG]B', default) -%}
        {{- return({'pattern': '\\d+[kMG]B', 'words': 'memory like ' ~ default}) -}}
    {%- endif -%}
{% endmacro %}
