{#- A surname's skeleton without its feminine ending: Иванова = Иванов, Полевая = Полевой. -#}
{% macro surname_stem(skeleton) -%}
    case
        when length({{ skeleton }}) < 5 then {{ skeleton }}
        when right({{ skeleton }}, 3) in ('ova', 'eva', 'ina') then left({{ skeleton }}, -1)
        when right({{ skeleton }}, 3) = 'ska' then left({{ skeleton }}, -1) || 'i'
        when right({{ skeleton }}, 3) = 'aia' then left({{ skeleton }}, -3) || 'i'
        when right({{ skeleton }}, 2) = 'oi' then left({{ skeleton }}, -2) || 'i'
        else {{ skeleton }}
    end
{%- endmacro %}
