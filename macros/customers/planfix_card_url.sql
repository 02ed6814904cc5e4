{% macro planfix_card_url(planfix_id) %}
    {%- set base = setting('planfix_web_url') | trim -%}
    {%- if base -%}
        '{{ base.rstrip('/') | replace("'", "''") }}/contact/' || {{ planfix_id }}
    {%- else -%}
        null::text
    {%- endif -%}
{% endmacro %}
