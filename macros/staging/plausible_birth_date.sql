{#- Cards show years like 0001 or 2090 where somebody left the field's default or mistyped. -#}
{% macro plausible_birth_date(day) -%}
    case
        when ({{ day }}) between date '1900-01-01' and current_date then {{ day }}
    end
{%- endmacro %}
