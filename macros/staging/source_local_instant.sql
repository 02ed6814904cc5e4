{#- For texts written in the account's own wall time (export files, date-and-time fields). -#}
{% macro source_local_instant(text, timezone) -%}
    case
        when {{ text }} ~ '[ T]([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$'
            then (
                {{ source_day(text) }}
                + substring({{ text }} from '[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?$')::time
            ) at time zone '{{ timezone }}'
        else ({{ source_day(text) }})::timestamp at time zone '{{ timezone }}'
    end
{%- endmacro %}
