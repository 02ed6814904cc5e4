{#- Key by which a ready row and its baseline find each other. -#}
{% macro row_key(table, alias) %}
    {%- set spec = publish_tables()[table] -%}
    {{- return(
        alias ~ '.' ~ spec['row_key'] if spec['row_key']
        else long_group_hash(spec['natural'], alias)
    ) -}}
{% endmacro %}


{#- Key by which a baseline and its live row find each other. -#}
{% macro row_id(table, alias) %}
    {%- set spec = publish_tables()[table] -%}
    {{- return(
        alias ~ '.' ~ spec['row_id'] if spec['row_id']
        else long_group_hash(spec['natural'], alias)
    ) -}}
{% endmacro %}
