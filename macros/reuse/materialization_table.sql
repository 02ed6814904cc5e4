{#-
    dbt's own table materialization, but a table whose query and inputs are what they were when it
    was built is left as it is: building it again would give the same rows. What counts as an
    input, and how it is recognised, stands in inputs_fingerprint. A table that is built notes its
    fingerprint as the comment of the table, in the same transaction.

    A model with `meta: {by_card: rebuilt}` says that its rows of a card follow from the rows of that
    card in what it reads by card, and from all else as a whole. As long as all else is what it was,
    only the cards that changed are asked for again, and the rows of the others are copied.
    `by_card: compared` is built whole, but its readers know which cards changed. Either keeps its
    version when no card did.

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
        {%- set changed = of_changed_cards(
            sql, cards, this.schema ~ '.' ~ this.identifier, last_version
        ) -%}
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
            with_other_cards(existing_relation, changed.query) if changed else sql
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
            target_relation, backup_relation, last_version, cards, inputs, changed is not none
        ) -%}
        {%- do drop_views_of_changed_cards() -%}
    {%- endif -%}
    {% do note_inputs(target_relation, inputs, made.rows_affected, version) %}
    {{ adapter.commit() }}
    {{ drop_relation_if_exists(backup_relation) }}
    {{ run_hooks(post_hooks, inside_transaction=false) }}
    {%- if changed -%}
        {{ store_raw_result(
            'main',
            message=made ~ ', ' ~ changed.count ~ ' cards anew',
            code='CARDS',
            rows_affected=made.rows_affected,
        ) }}
    {%- endif -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
