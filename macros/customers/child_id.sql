{% macro child_id(columns) %}
    md5({% for column in columns %}
        {{- column }}::text{% if not loop.last %} || '|' || {% endif %}
    {%- endfor %})::uuid
{%- endmacro %}
