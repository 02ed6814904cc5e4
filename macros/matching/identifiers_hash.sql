{#- An aggregate: the identifiers of the cards of a pair as one value, which changes when any of
    them does. A decision holds as long as it stays the same. -#}
{% macro identifiers_hash(relation) -%}
    {%- set item -%}
        ({{ relation }}.planfix_id || ' ' || {{ relation }}.key_kind
        || ' ' || {{ relation }}.key_value) collate "C"
    {%- endset -%}
    md5(string_agg(distinct {{ item }}, '|' order by {{ item }}))
{%- endmacro %}
