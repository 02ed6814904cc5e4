{#-
    Hash of some columns of a row that is the same in every session and on every server: times and
    days go in as numbers, since their text depends on the session's zone and date style.

    64 bits, since only the sides of one row are compared; md5 takes five times as long.
-#}
{% macro group_hash(columns, alias) %}
    {{- return(values_hash(_hashed_values(columns, alias))) -}}
{% endmacro %}


{#- The same of any values. The collation is named since a hash follows what it calls equal. -#}
{% macro values_hash(values) %}
    {{- return('hashtextextended(row(' ~ values | join(', ') ~ ')::text collate "C", 0)') -}}
{% endmacro %}


{#- 128 bits, for a key among all rows of a table. -#}
{% macro long_group_hash(columns, alias, type='uuid') %}
    {{- return(
        'md5(row(' ~ _hashed_values(columns, alias) | join(', ') ~ ')::text)'
        ~ ('::uuid' if type == 'uuid' else '')
    ) -}}
{% endmacro %}


{% macro _hashed_values(columns, alias) %}
    {%- set instants = [
        'source_created_at', 'source_updated_at', 'noted_at', 'captured_at',
    ] -%}
    {%- set values = [] -%}
    {%- for column in columns -%}
        {%- if column in instants -%}
            {%- do values.append('extract(epoch from ' ~ alias ~ '.' ~ column ~ ')') -%}
        {%- elif column == 'birth_date' -%}
            {%- do values.append(alias ~ '.' ~ column ~ " - date '2000-01-01'") -%}
        {%- else -%}
            {%- do values.append(alias ~ '.' ~ column) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(values) -}}
{% endmacro %}
