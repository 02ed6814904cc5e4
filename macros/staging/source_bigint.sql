{% macro source_bigint(text) -%}
    case when {{ text }} ~ '^-?[0-9]{1,18}$' then ({{ text }})::bigint end
{%- endmacro %}
