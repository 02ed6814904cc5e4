{#- PostgreSQL 15 has no pg_input_is_valid: the pattern itself knows the length of each month and
    the leap years, so that the cast behind it cannot fail. A text without a zone is not an instant.
    The short pattern knows what the API writes on most days, and takes half of the long one's time. -#}
{% macro source_instant(text) -%}
    case
        when
            {{ text }} ~ '^[12][0-9][0-9][0-9]-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][+]0000$'
            or {{ text }} ~ {{ _iso_day_pattern('[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,6})?)?(Z|[+-](0[0-9]|1[0-4]):?[0-5][0-9])$') }}
            then ({{ text }})::timestamptz
    end
{%- endmacro %}


{% macro _iso_day_pattern(tail) -%}
    {%- set year = '[12][0-9]{3}' -%}
    {%- set leap = '([12][0-9](0[48]|[2468][048]|[13579][26])|1[26]00|2[048]00)' -%}
    {%- set day = '(' ~ year ~ '-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])'
        ~ '|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))'
        ~ '|' ~ leap ~ '-02-29)' -%}
    '^{{ day }}{{ tail }}'
{%- endmacro %}
