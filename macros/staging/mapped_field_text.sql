{#- A target of the mapping nearly always has one field, which is one look-up in the record's
    object of fields; turning all fields into rows and grouping them again would be ten times the
    work. With several fields the first that has a value counts. -#}
{% macro mapped_field_text(fields, keys, is_plain_text=false) -%}
    {%- set one = fields ~ ' -> ' ~ keys ~ '[1]' -%}
    {%- set each = fields ~ ' -> field_key' -%}
    case cardinality({{ keys }})
        when 0 then null
        when 1 then {{ _field_text(one, is_plain_text) }}
        else (
            select {{ _field_text(each, is_plain_text) }}
            from unnest({{ keys }}) with ordinality as listed (field_key, key_position)
            where {{ trimmed(_field_text(each, is_plain_text)) }} is not null
            order by key_position
            limit 1
        )
    end
{%- endmacro %}


{% macro _field_text(field, is_plain_text) -%}
    {%- if is_plain_text -%}
        {{- '(' ~ field ~ ") #>> '{}'" -}}
    {%- else -%}
        {{- custom_field_text('(' ~ field ~ " -> 'value')", '(' ~ field ~ " ->> 'stringValue')") -}}
    {%- endif -%}
{%- endmacro %}
