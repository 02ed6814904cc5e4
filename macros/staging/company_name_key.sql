{#- For finding a company card by a name that was copied from it, not for matching: only case,
    quotes and blanks are folded. -#}
{% macro company_name_key(name) -%}
    btrim(regexp_replace(lower(translate({{ name }}, '«»"„“”''', '')), '\s+', ' ', 'g'))
{%- endmacro %}
