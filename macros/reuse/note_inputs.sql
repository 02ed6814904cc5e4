{#-
    Notes at a table what it was built from, and the version that its readers go by: the same
    fingerprint, or the content with `meta: {early_cutoff: true}`. Content costs one pass over
    the rows; it pays where state of the publisher comes in, which is new after each run though the
    rows here seldom are: what reads them is spared.
-#}
{% macro note_inputs(relation, inputs) %}
    {%- set is_cutoff = (config.get('meta') or {}).get('early_cutoff', false) -%}
    {%- if is_cutoff -%}
        {%- set version = run_query(table_content_sql(relation)).rows[0][0] -%}
    {%- else -%}
        {%- set version = inputs -%}
    {%- endif -%}
    {%- if version -%}
        {%- set has_rows = run_query(
            "select exists (select from " ~ relation ~ ")"
        ).rows[0][0] -%}
        {%- call statement('note_inputs') -%}
            comment on table {{ relation }} is
            'inputs={{ inputs or 'unknown' }} version={{ version }} rows={{ 1 if has_rows else 0 }}'
        {%- endcall -%}
    {%- endif -%}
{% endmacro %}
