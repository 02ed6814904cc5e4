{#- The hashes of a row that has nothing but nulls in it. -#}
{% macro unwritten_hashes(table) %}
    {%- set parts = [] -%}
    {%- for columns in publish_tables()[table]['groups'].values() -%}
        {%- do parts.append(
            "'" ~ local_md5('(' ~ ',' * (columns | length - 1) ~ ')') ~ "'"
        ) -%}
    {%- endfor -%}
    {{- return('array[' ~ parts | join(', ') ~ ']::uuid[]') -}}
{% endmacro %}
