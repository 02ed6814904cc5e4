{#-
    A person says whose values a conflict ends with:
    dbt run-operation settle_conflict --args '{conflict_key: …, verdict: crm, decided_by: …}'
    `crm`: they stay, until Planfix changes again. `planfix`: the next build writes Planfix's, if
    the CRM has not changed its own again. Keys: publish.publish_conflicts.

    Nothing is written to the CRM here. The baseline is set as if the side that loses had been
    there when we wrote last, and the next plan draws the conclusion.
-#}
{% macro settle_conflict(conflict_key, verdict, decided_by, reason=none) %}
    {%- if execute -%}
        {%- if verdict not in ['crm', 'planfix'] -%}
            {%- do exceptions.raise_compiler_error(
                'verdict is crm or planfix: whose values are right?'
            ) -%}
        {%- elif not decided_by | string | trim -%}
            {%- do exceptions.raise_compiler_error('say who decides: decided_by.') -%}
        {%- endif -%}
        {%- do need_built('publish_conflicts') -%}
        {%- do ensure_state_tables() -%}
        {%- set found = run_query(
            "select 1 from " ~ ref('publish_conflicts') ~ " where conflict_key = "
            ~ sql_text(conflict_key)
        ) -%}
        {%- if found.rows | length == 0 -%}
            {%- do exceptions.raise_compiler_error(
                'there is no conflict ' ~ conflict_key ~ ': see ' ~ ref('publish_conflicts') ~ '.'
            ) -%}
        {%- endif -%}
        {%- do run_in_transaction(
            _settle_conflict_sql(conflict_key, verdict, decided_by, reason),
            'decided for ' ~ verdict ~ '; the next dbt build follows'
        ) -%}
    {%- endif -%}
{% endmacro %}


{% macro _settle_conflict_sql(conflict_key, verdict, decided_by, reason) %}
    with conflict as (
        select
            *,
            split_part(conflict_key, ':', 2)::uuid as row_key,
            {{ 'source_hashes' if verdict == 'crm' else 'crm_hashes' }} as agreed_hashes
        from {{ ref('publish_conflicts') }}
        where conflict_key = {{ sql_text(conflict_key) }}
    ),

    decided as (
        insert into {{ state_relation('conflict_decisions') }} (
            conflict_key, table_name, row_id, customer_id, column_group, verdict, reason,
            decided_by
        )
        select
            conflict_key,
            table_name,
            row_id,
            customer_id,
            column_group,
            '{{ verdict }}',
            {{ sql_text(reason) }},
            {{ sql_text(decided_by) }}
        from conflict
    ),

    -- a side that has no row any more: the other's row is as if we had never written it
    forgotten as (
        delete from {{ state_relation('published_rows') }} as known
        using conflict
        where
            known.table_name = conflict.table_name
            and known.row_key = conflict.row_key
            and conflict.agreed_hashes is null
    )

    update {{ state_relation('published_rows') }} as known
    set group_hashes = case
        when conflict.group_position is null then conflict.agreed_hashes
        else
            known.group_hashes[:conflict.group_position - 1]
            || conflict.agreed_hashes
            || known.group_hashes[conflict.group_position + 1:]
    end
    from conflict
    where
        known.table_name = conflict.table_name
        and known.row_key = conflict.row_key
        and conflict.agreed_hashes is not null;
{% endmacro %}
