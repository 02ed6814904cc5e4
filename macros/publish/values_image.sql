{#- Some columns of a row as jsonb. -#}
{% macro values_image(columns, alias) %}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- do parts.append("'" ~ column ~ "', " ~ alias ~ '.' ~ column) -%}
    {%- endfor -%}
    {{- return('jsonb_build_object(' ~ parts | join(', ') ~ ')') -}}
{% endmacro %}


{#- All columns of a row that we write, but for the audit columns, as jsonb. -#}
{% macro row_image(table, alias) %}
    {%- set spec = publish_tables()[table] -%}
    {%- set columns = spec['columns'] | reject('in', spec['stamps']) | list -%}
    {{- return(values_image(columns, alias)) -}}
{% endmacro %}
