{#-
    Notes at a table what it was built from, how many rows it has, how many the server counted as
    written to it and taken from it meanwhile, and the version that its readers go by: the same
    fingerprint, or the content with `meta: {early_cutoff: true}`. Content
    costs one pass over the rows; it pays where state of the publisher comes in, which is new after
    each run though the rows here seldom are: what reads them is spared.
-#}
{% macro note_inputs(relation, inputs, row_count, version=none, inserted=none, deleted=0) %}
    {%- set is_cutoff = (config.get('meta') or {}).get('early_cutoff', false) -%}
    {%- if version -%}
        {#- a table by card has compared itself with the last one -#}
    {%- elif is_cutoff -%}
        {%- set version = run_query(table_content_sql(relation)).rows[0][0] -%}
    {%- else -%}
        {%- set version = inputs -%}
    {%- endif -%}
    {%- if version -%}
        {%- call statement('note_inputs') -%}
            comment on table {{ relation }} is
            'inputs={{ inputs or 'unknown' }} version={{ version }} rows={{ row_count }} inserted={{
                row_count if inserted is none else inserted }} deleted={{ deleted }}{{
                ' rules=' ~ _rules_version() if _words_of(model) }}'
        {%- endcall -%}
        {%- do remember_version(version) -%}
    {%- endif -%}
{% endmacro %}


{#- Of a table of words (`meta: words_of`) everything but where the words come from. -#}
{% macro _rules_version() %}
    {%- set parts = own_inputs(sql) -%}
    {%- for version in input_versions(parent_names()) or [invocation_id] -%}
        {%- set table = version.split('=')[0].split('.')[-1] -%}
        {%- if table not in _words_of(model) -%}{%- do parts.append(version) -%}{%- endif -%}
    {%- endfor -%}
    {{- return(local_md5(parts | join('\n'))) -}}
{% endmacro %}


{% macro _words_of(node) %}
    {{- return((node.config.get('meta') or {}).get('words_of', [])) -}}
{% endmacro %}


{#- For the tests of this invocation: see test_inputs. -#}
{% macro remember_version(version) %}
    {%- do graph.setdefault('table_versions_' ~ invocation_id, {}).update(
        {model.unique_id: version}
    ) -%}
{% endmacro %}
