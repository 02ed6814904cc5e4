{% macro source_id(text) -%}
    case
        when {{ text }} ~ '^([a-z]+:)?[0-9]{1,18}$'
            then substring({{ text }} from '[0-9]+$')::bigint
    end
{%- endmacro %}
