{#- The shape of a value depends on the field's type (a directory entry is an object, a set an
    array). `stringValue` is the text the user interface shows, in the user's language and with
    formatted dates, so it only stands in where the value itself is missing. -#}
{% macro custom_field_text(value, string_value) -%}
    case jsonb_typeof({{ value }})
        when 'object' then coalesce(
            {{ value }} ->> 'value',
            {{ value }} ->> 'name',
            {{ value }} ->> 'address',
            nullif(concat_ws(' ', {{ value }} ->> 'date', nullif({{ value }} ->> 'time', '00:00')), ''),
            {{ string_value }}
        )
        when 'array' then coalesce(
            (
                select string_agg(
                    coalesce(item ->> 'value', item ->> 'name', item #>> '{}'), '; '
                    order by position
                )
                from jsonb_array_elements({{ value }}) with ordinality as items (item, position)
            ),
            {{ string_value }}
        )
        else coalesce({{ value }} #>> '{}', {{ string_value }})
    end
{%- endmacro %}
