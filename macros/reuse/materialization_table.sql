{#-
    dbt's own table materialization, but a table whose query and inputs are what they were when it
    was built is left as it is: building it again would give the same rows. What counts as an
    input, and how it is recognised, stands in inputs_fingerprint. A table that is built notes its
    fingerprint as the comment of the table, in the same transaction.

    `--full-refresh` and the var reuse_tables: false build everything.
-#}
{% materialization table, adapter='postgres' %}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set inputs = inputs_fingerprint(sql) -%}
    {%- set version = none -%}
    {%- if inputs and not should_full_refresh() -%}
        {%- set version = version_built_from(existing_relation, inputs) -%}
    {%- endif -%}
    {%- if version -%}
        {%- do remember_version(version) -%}
        {{ store_raw_result('main', message='REUSED', code='REUSED', rows_affected=-1) }}
        {{ return({'relations': [target_relation]}) }}
    {%- endif -%}

    {%- set intermediate_relation = make_intermediate_relation(target_relation) -%}
    {%- set backup_relation = make_backup_relation(
        target_relation, 'table' if existing_relation is none else existing_relation.type
    ) -%}
    {%- set grant_config = config.get('grants') -%}
    {{ drop_relation_if_exists(load_cached_relation(intermediate_relation)) }}
    {{ drop_relation_if_exists(load_cached_relation(backup_relation)) }}
    {{ run_hooks(pre_hooks, inside_transaction=false) }}
    {{ run_hooks(pre_hooks, inside_transaction=true) }}

    {% call statement('main') -%}
        {{ get_create_table_as_sql(false, intermediate_relation, sql) }}
    {%- endcall %}
    {% do create_indexes(intermediate_relation) %}
    {%- if existing_relation is not none -%}
        {%- set existing_relation = load_cached_relation(existing_relation) -%}
        {%- if existing_relation is not none -%}
            {{ adapter.rename_relation(existing_relation, backup_relation) }}
        {%- endif -%}
    {%- endif -%}
    {{ adapter.rename_relation(intermediate_relation, target_relation) }}

    {{ run_hooks(post_hooks, inside_transaction=true) }}
    {% do apply_grants(
        target_relation,
        grant_config,
        should_revoke=should_revoke(existing_relation, full_refresh_mode=true)
    ) %}
    {% do persist_docs(target_relation, model) %}
    {% do note_inputs(target_relation, inputs, load_result('main')['response'].rows_affected) %}
    {{ adapter.commit() }}
    {{ drop_relation_if_exists(backup_relation) }}
    {{ run_hooks(post_hooks, inside_transaction=false) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
