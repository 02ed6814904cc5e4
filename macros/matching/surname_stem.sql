{#- A surname's skeleton without its feminine ending: Иванова = Иванов, Полевая = Полевой. -#}
{% macro surname_stem(skeleton) -%}
    case
        when length({{ skeleton }}) < 5 then {{ skeleton }}
        when {{ skeleton }} ~ '(ov|ev|in)a$' then left({{ skeleton }}, -1)
        when {{ skeleton }} ~ '(skaia|tskaia)$' then left({{ skeleton }}, -3) || 'i'
        when {{ skeleton }} ~ 'ska$' then left({{ skeleton }}, -1) || 'i'
        when {{ skeleton }} ~ 'aia$' then left({{ skeleton }}, -3) || 'i'
        when {{ skeleton }} ~ 'oi$' then left({{ skeleton }}, -2) || 'i'
        else {{ skeleton }}
    end
{%- endmacro %}
