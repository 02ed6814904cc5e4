{#- The hashes of a row that has nothing but nulls in it. -#}
{% macro unwritten_hashes(table) %}
    {%- set parts = [] -%}
    {%- for columns in publish_tables()[table]['groups'].values() -%}
        {%- do parts.append(values_hash(['null'] * columns | length)) -%}
    {%- endfor -%}
    {{- return('array[' ~ parts | join(', ') ~ ']') -}}
{% endmacro %}
