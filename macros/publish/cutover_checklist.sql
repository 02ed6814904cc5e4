{#- Where the cutover stands, step by step: dbt run-operation cutover_checklist -#}
{% macro cutover_checklist() %}
    {%- if execute -%}
        {%- do need_built('cutover_status') -%}
        {%- for row in run_query(
            "select step_number, step, is_done, detail, what_to_do from "
            ~ ref('cutover_status') ~ " order by step_number"
        ).rows -%}
            {%- do print(
                '[' ~ ('x' if row['is_done'] else ' ') ~ '] '
                ~ row['step_number'] | int ~ '. ' ~ row['step'] ~ ': ' ~ row['detail']
                ~ ('' if row['is_done'] else ' -> ' ~ row['what_to_do'])
            ) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
