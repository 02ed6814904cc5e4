{#- dbt run-operation explain_pair --args '{left_planfix_id: 1, right_planfix_id: 2}' -#}
{% macro explain_pair(left_planfix_id, right_planfix_id) %}
    {%- if execute -%}
        {%- set rows = run_query(
            'select step, verdict, left_planfix_id, right_planfix_id, rule_id, sentence from '
            ~ _generate_schema_name('quality', target) ~ '.explain_pair('
            ~ (left_planfix_id | int) ~ ', ' ~ (right_planfix_id | int) ~ ')'
        ) -%}
        {%- for row in rows -%}
            {%- do log(
                row[0] ~ '. ' ~ row[1] ~ ': ' ~ row[2] ~ ' – ' ~ row[3] ~ ' [' ~ row[4] ~ '] '
                ~ row[5], info=true
            ) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
