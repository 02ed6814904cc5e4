{#- A name typed in one case throughout says nothing by it; mixed case is the owner's own. -#}
{% macro name_case(name) -%}
    case
        when {{ name }} in (upper({{ name }}), lower({{ name }})) then initcap({{ name }})
        else {{ name }}
    end
{%- endmacro %}
