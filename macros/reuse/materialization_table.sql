{#-
    dbt's own table materialization, but a table whose query and inputs are what they were when it
    was built is left as it is: building it again would give the same rows. What counts as an
    input, and how it is recognised, stands in inputs_fingerprint. A table that is built notes its
    fingerprint as the comment of the table, in the same transaction.

    A model with `meta: {by_card: rebuilt}` says that its rows of a card follow from the rows of that
    card in what it reads by card, and from all else as a whole. As long as all else is what it was,
    only the cards that changed are asked for again and put in the place of those that stand there.
    `by_card: compared` is built whole, but its readers know which cards changed. Either keeps its
    version when no card did. `by_customer` says the same of customers.

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

    {#- a dry run writes no state, and what is known of cards is some -#}
    {%- set cards = none -%}
    {%- if inputs and by_card(model) and target.name != 'dry_run' -%}
        {%- set cards = card_inputs(sql) -%}
    {%- endif -%}
    {%- set last_version = none -%}
    {%- if cards and not should_full_refresh() -%}
        {%- set last_version = version_built_from(existing_relation) -%}
    {%- endif -%}
    {%- set changed = none -%}
    {%- if last_version and by_card(model) == 'rebuilt' -%}
        {%- if has_few_holes(existing_relation) -%}
            {%- set changed = of_changed_cards(
                sql, cards, this.schema ~ '.' ~ this.identifier, last_version,
                'customer' if model.config.meta.get('by_customer') else 'card'
            ) -%}
        {%- endif -%}
    {%- endif -%}
    {%- if changed -%}
        {%- do run_query(session_settings()) -%}
        {%- set note = change_in_place(existing_relation, last_version, changed, cards, inputs) -%}
        {%- do note_inputs(
            existing_relation, inputs, note['row_count'] | int, note['version'],
            note['inserted'] | int, note['deleted'] | int
        ) -%}
        {{ adapter.commit() }}
        {{ store_raw_result(
            'main',
            message='CARDS ' ~ changed.count ~ ' anew, ' ~ note['differing'] ~ ' differ',
            code='CARDS',
            rows_affected=note['differing'] | int,
        ) }}
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
        {{ get_create_table_as_sql(
            false,
            intermediate_relation,
            sql
        ) }}
    {%- endcall %}
    {#- rows of such a table never change, and what plans need of it our own analyze tells: a vacuum
        that comes round only takes processor from what is built next -#}
    {% call statement('leave_to_itself') -%}
        alter table {{ intermediate_relation }}
        set (autovacuum_enabled = false, toast.autovacuum_enabled = false)
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
    {%- set made = load_result('main')['response'] -%}
    {%- if cards -%}
        {%- set version = note_cards(
            target_relation, backup_relation, last_version, cards, inputs, made.rows_affected
        ) -%}
    {%- endif -%}
    {% do note_inputs(target_relation, inputs, made.rows_affected, version) %}
    {{ adapter.commit() }}
    {{ drop_relation_if_exists(backup_relation) }}
    {{ run_hooks(post_hooks, inside_transaction=false) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
