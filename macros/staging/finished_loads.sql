{#- A load that dlt has not finished must not be read: its tables may disagree. -#}
{% macro finished_loads(source_name) -%}
    _dlt_load_id in (
        select load_id
        from {{ source(source_name, '_dlt_loads') }}
        where status = 0
    )
{%- endmacro %}
