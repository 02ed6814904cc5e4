{% macro group_hashes(table, alias) %}
    {%- set parts = [] -%}
    {%- for columns in publish_tables()[table]['groups'].values() -%}
        {%- do parts.append(group_hash(columns, alias)) -%}
    {%- endfor -%}
    {{- return('array[' ~ parts | join(', ') ~ ']') -}}
{% endmacro %}
