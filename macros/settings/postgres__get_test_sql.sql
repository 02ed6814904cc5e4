{#- dbt's own, under the planner settings of the models: a data test has no pre-hooks, and one core
    of a server with jit on takes a test of a million rows several times as long. -#}
{% macro postgres__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) %}
    {{ session_settings() }};
    {{ default__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) }}
{% endmacro %}
