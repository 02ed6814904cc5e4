{#- The entities are undone only where an ampersand stands: nearly no value has one, and ten nested
    replace() on each of some ten million cells would cost more than the rest of staging. -#}
{% macro tidied(text) -%}
    nullif(btrim(regexp_replace(
        case
            when strpos({{ text }}, '&') = 0 then {{ text }}
            else {{ _undo_entities(text) }}
        end,
        E'[\\s\u00a0\u2007\u202f\u200b\ufeff]+', ' ', 'g'
    )), '')
{%- endmacro %}


{#- &amp; comes last, so that "&amp;lt;" becomes "&lt;", as its writer meant it. -#}
{% macro _undo_entities(text) -%}
    {%- set entities = {
        '&nbsp;': ' ', '&#160;': ' ', '&quot;': '"', '&#34;': '"', '&apos;': "''", '&#39;': "''",
        '&laquo;': '«', '&raquo;': '»', '&ndash;': '–', '&mdash;': '—', '&lt;': '<', '&gt;': '>',
        '&amp;': '&',
    } -%}
    {%- set nested = namespace(sql=text) -%}
    {%- for entity, sign in entities.items() -%}
        {%- set nested.sql = "replace(" ~ nested.sql ~ ", '" ~ entity ~ "', '" ~ sign ~ "')" -%}
    {%- endfor -%}
    {{- nested.sql -}}
{%- endmacro %}
