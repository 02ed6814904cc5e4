{#-
    The Owner accepts a failing gate for a time:
    dbt run-operation grant_waiver --args '{gate: …, reason: …, granted_by: …,
    valid_until: 2026-03-31, limit_value: 0.02}'
    Without limit_value any value is accepted. A later waiver of the gate takes its place; one
    that is valid until now ends it.
-#}
{% macro grant_waiver(gate, reason, granted_by, valid_until, limit_value=none) %}
    {%- if execute -%}
        {%- do ensure_state_tables() -%}
        {%- set gates = run_query(
            "select gate from " ~ ref('migration_gates') ~ " order by gate"
        ).columns[0].values() | list -%}
        {%- if gate not in gates -%}
            {%- do exceptions.raise_compiler_error(
                'there is no gate ' ~ gate ~ '. Gates: ' ~ gates | join(', ') ~ '.'
            ) -%}
        {%- elif not reason | string | trim or not granted_by | string | trim -%}
            {%- do exceptions.raise_compiler_error(
                'a waiver needs a reason and the name of who grants it.'
            ) -%}
        {%- elif not modules.re.match('^\\d{4}-\\d{2}-\\d{2}', valid_until | string) -%}
            {%- do exceptions.raise_compiler_error(
                'valid_until must be a day or a time, e.g. 2026-03-31 or 2026-03-31 18:00+03.'
            ) -%}
        {%- endif -%}
        {%- do run_in_transaction(
            "insert into " ~ state_relation('waivers')
            ~ " (gate, limit_value, reason, granted_by, valid_until) values ("
            ~ sql_text(gate) ~ ", "
            ~ ("null" if limit_value is none else limit_value | float | string) ~ ", "
            ~ sql_text(reason) ~ ", " ~ sql_text(granted_by) ~ ", "
            ~ sql_text(valid_until) ~ "::timestamptz)",
            'gate ' ~ gate ~ ' is waived until ' ~ valid_until ~ '; run dbt build again'
        ) -%}
    {%- endif -%}
{% endmacro %}
