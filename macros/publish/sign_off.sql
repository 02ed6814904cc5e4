{#-
    The Owner accepts the migration: dbt run-operation sign_off --args '{signed_by: …}'
    Records who, when, which run, the acceptance figures, the waivers in force and the QA result.
    Refuses with the list of what is not done.
-#}
{% macro sign_off(signed_by, comment=none) %}
    {%- if execute -%}
        {%- if not signed_by | string | trim -%}
            {%- do exceptions.raise_compiler_error('say who signs: signed_by.') -%}
        {%- elif target.name == 'dry_run' -%}
            {%- do exceptions.raise_compiler_error('a dry run cannot be signed off.') -%}
        {%- endif -%}
        {%- do need_built('cutover_status') -%}
        {%- set missing = [] -%}
        {%- for row in run_query(
            "select step, detail, what_to_do from " ~ ref('cutover_status')
            ~ " where is_needed_to_sign and not is_done order by step_number"
        ).rows -%}
            {%- do missing.append(
                row['step'] ~ ': ' ~ row['detail'] ~ ' -> ' ~ row['what_to_do']
            ) -%}
        {%- endfor -%}
        {%- if missing -%}
            {%- do exceptions.raise_compiler_error(
                'not signed off, since not all is done:\n  ' ~ missing | join('\n  ')
            ) -%}
        {%- endif -%}
        {%- do run_in_transaction(
            "insert into " ~ state_relation('sign_offs')
            ~ " (run_id, signed_by, acceptance, qa_result, waivers, comment) select"
            ~ " (select run_id from " ~ state_relation('runs')
            ~ "     where kind = 'publish' order by started_at desc limit 1), "
            ~ sql_text(signed_by) ~ ","
            ~ " (select jsonb_agg(jsonb_build_object('criterion', criterion, 'value', value,"
            ~ "     'limit_value', limit_value, 'passed', passed) order by criterion)"
            ~ "     from " ~ ref('acceptance') ~ "),"
            ~ " (select jsonb_build_object('drawn', count(*), 'correct', count(*))"
            ~ "     from " ~ ref('qa_sample') ~ "),"
            ~ " (select coalesce(jsonb_agg(jsonb_build_object('gate', gate, 'value', value,"
            ~ "     'waived_by', waived_by, 'waived_until', waived_until,"
            ~ "     'reason', waiver_reason) order by gate), '[]')"
            ~ "     from " ~ ref('migration_gates') ~ " where is_waived), "
            ~ sql_text(comment),
            'signed off by ' ~ signed_by
        ) -%}
    {%- endif -%}
{% endmacro %}
