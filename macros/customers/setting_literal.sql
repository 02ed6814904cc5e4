{% macro setting_literal(name) %}
    {{- return("'" ~ setting(name) | replace("'", "''") ~ "'") -}}
{% endmacro %}
