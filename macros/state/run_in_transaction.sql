{% macro run_in_transaction(sql, message=none) %}
    {#- psycopg2 and dbt both open transactions; asking for one is the form that both commit -#}
    {%- if message -%}
        {%- do log(message, info=true) -%}
    {%- endif -%}
    {%- call statement('run_in_transaction', fetch_result=false, auto_begin=true) -%}
        {{ sql }}
    {%- endcall -%}
    {%- do adapter.commit() -%}
{% endmacro %}
