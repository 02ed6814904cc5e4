{#- dbt's own, under the planner settings of the models: a data test has no pre-hooks, and one core
    of a server with jit on takes a test of a million rows several times as long. A test that
    passed over what still stands there is not run again (test_inputs); one that asks each card by
    itself is asked for the cards that changed since it passed. -#}
{% macro postgres__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) %}
    {%- set inputs = test_inputs() -%}
    {%- if inputs and has_passed(inputs) -%}
        select
            0 as failures,
            false as should_warn,
            false as should_error
    {%- else -%}
        {%- set of_changed = test_of_changed_cards(main_sql) if inputs else none -%}
        {{ session_settings() }};
        {{ default__get_test_sql(of_changed or main_sql, fail_calc, warn_if, error_if, limit) }}
    {%- endif -%}
{% endmacro %}
