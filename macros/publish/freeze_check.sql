{#- What still changed in Planfix since the freeze began: dbt run-operation freeze_check -#}
{% macro freeze_check() %}
    {%- if execute -%}
        {%- do need_built('cutover_status') -%}
        {%- set steps = {} -%}
        {%- for row in run_query(
            "select step, is_done, detail, what_to_do from " ~ ref('cutover_status')
            ~ " where step in ('freeze', 'final_delta', 'freeze_check')"
        ).rows -%}
            {%- do steps.update({row['step']: row}) -%}
        {%- endfor -%}
        {%- for step in ['freeze', 'final_delta'] if not steps[step]['is_done'] -%}
            {%- do exceptions.raise_compiler_error(
                steps[step]['detail'] ~ ': ' ~ steps[step]['what_to_do'] ~ '.'
            ) -%}
        {%- endfor -%}
        {%- set changes = run_query(
            "select planfix_id, change,"
            ~ " to_char(changed_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as changed_at"
            ~ " from " ~ ref('freeze_changes')
            ~ " order by changed_at nulls last, planfix_id, change"
        ) -%}
        {%- for row in changes.rows -%}
            {%- if loop.index <= 100 -%}
                {%- do print(
                    'planfix ' ~ row['planfix_id'] ~ ': ' ~ row['change']
                    ~ (' ' ~ row['changed_at'] ~ ' UTC' if row['changed_at'] else '')
                ) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do print(steps['freeze_check']['detail']) -%}
        {%- if changes.rows | length > 100 -%}
            {%- do print('all of them: select * from ' ~ ref('freeze_changes')) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{#- An operation reads models: they must have been built. -#}
{% macro need_built(name) %}
    {%- set relation = ref(name) -%}
    {%- if not adapter.get_relation(
        relation.database, relation.schema, relation.identifier
    ) -%}
        {%- do exceptions.raise_compiler_error(
            relation.schema ~ '.' ~ relation.identifier ~ ' is not there: run dbt build first.'
        ) -%}
    {%- endif -%}
{% endmacro %}
