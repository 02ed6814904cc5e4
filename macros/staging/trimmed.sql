{% macro trimmed(text) -%}
    nullif(btrim({{ text }}, E' \t\r\n\u00a0\u200b\ufeff'), '')
{%- endmacro %}
