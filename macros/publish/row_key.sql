{#- Key by which a ready row and its baseline find each other. -#}
{% macro row_key(table, alias) %}
    {%- set spec = publish_tables()[table] -%}
    {{- return(
        alias ~ '.' ~ spec['row_key'] if spec['row_key']
        else _natural_key(spec['natural'], alias)
    ) -}}
{% endmacro %}


{#- Key by which a baseline and its live row find each other. -#}
{% macro row_id(table, alias) %}
    {%- set spec = publish_tables()[table] -%}
    {{- return(
        alias ~ '.' ~ spec['row_id'] if spec['row_id']
        else _natural_key(spec['natural'], alias)
    ) -}}
{% endmacro %}


{#- Only of rows that have no id of their own. -#}
{% macro _natural_key(columns, alias) %}
    {{- return(
        beside_customer(long_group_hash(columns, alias, 'text'), alias ~ '.customer_id')
        if 'customer_id' in columns else long_group_hash(columns, alias)
    ) -}}
{% endmacro %}
