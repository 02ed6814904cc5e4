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


{#-
    Condition that joins rows of a table to those of another relation by one of their keys. A key that
    is made of the row is in no index; the customer that it begins with is.
-#}
{% macro same_row(table, key, other_key) %}
    {%- set spec = publish_tables()[table] -%}
    {%- set alias, other = key.split('.')[0], other_key.split('.')[0] -%}
    {{- return(
        other_key ~ ' = ' ~ key
        ~ ('' if spec['row_id'] or spec['row_key']
            else ' and ' ~ other ~ '.customer_id = ' ~ alias ~ '.customer_id')
    ) -}}
{% endmacro %}


{#- Column of a target table that says whose row it is. -#}
{% macro customer_column(table) %}
    {{- return('id' if table == 'customers' else 'customer_id') -}}
{% endmacro %}


{#- Only of rows that have no id of their own. -#}
{% macro _natural_key(columns, alias) %}
    {{- return(
        beside_customer(long_group_hash(columns, alias, 'text'), alias ~ '.customer_id')
        if 'customer_id' in columns else long_group_hash(columns, alias)
    ) -}}
{% endmacro %}
