{#- Who runs this: RIDERRA_OPERATOR or var operator, else the account of the machine. -#}
{% macro operator_name() %}
    {%- set given = setting('operator') | trim -%}
    {{- return(given or env_var('USER', env_var('LOGNAME', 'unknown'))) -}}
{% endmacro %}


{#- A text as an SQL literal. -#}
{% macro sql_text(value) %}
    {{- return('null' if value is none else "'" ~ value | string | replace("'", "''") ~ "'") -}}
{% endmacro %}
