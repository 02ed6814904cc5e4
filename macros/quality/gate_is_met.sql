{% macro gate_is_met(comparison, value, limit_value) %}
    case {{ comparison }}
        when '>=' then {{ value }} >= {{ limit_value }}
        when '<=' then {{ value }} <= {{ limit_value }}
        when '=' then {{ value }} = {{ limit_value }}
    end
{%- endmacro %}
