{#- For CTEs that carry api_<field>, csv_<field> and csv_is_newer side by side. -#}
{% macro newer_value(field) -%}
    case
        when csv_is_newer then coalesce(csv_{{ field }}, api_{{ field }})
        else coalesce(api_{{ field }}, csv_{{ field }})
    end
{%- endmacro %}
