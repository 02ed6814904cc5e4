{#-
    A table with a contract gets its primary and unique keys when its rows are in: the index over all
    rows is sorted and written once, on all cores, and not found a place in for every row (a third of
    the time of ready.customer_contacts with 1.9 million rows). dbt's own would name them in the
    `create table`. The other constraints stay there: they are asked of each row as it comes.
-#}
{% macro postgres__get_table_columns_and_constraints() %}
    {%- set parts = adapter.render_raw_columns_constraints(raw_columns=model['columns'])
        + adapter.render_raw_model_constraints(
            raw_constraints=model['constraints'] | rejectattr('type', 'in', _key_types()) | list
        ) -%}
    (
        {{ parts | join(',\n        ') }}
    )
{% endmacro %}


{#- dbt calls this for every table after its rows. -#}
{% macro postgres__create_indexes(relation) %}
    {%- set contract = config.get('contract') -%}
    {%- if contract and contract.enforced -%}
        {%- for key in adapter.render_raw_model_constraints(
            raw_constraints=model['constraints'] | selectattr('type', 'in', _key_types()) | list
        ) -%}
            {%- do run_query('alter table ' ~ relation ~ ' add ' ~ key) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- dbt.default__create_indexes(relation) -}}
{% endmacro %}


{% macro _key_types() %}
    {{- return(['primary_key', 'unique']) -}}
{% endmacro %}
