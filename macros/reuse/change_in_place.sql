{#-
    Puts the rows of changed cards (or customers) in the place of those that stand in a table, in the
    transaction of its model: one row in a hundred is written, none of the others is read again but to
    find these. Only what differs is touched; a table in which nothing does keeps its version.
    Returns its note (see note_inputs) and what dbt is to say of it.

    Arguments: the table; its version; the query over what changed and the number of it
    (of_changed_cards); the inputs now (card_inputs) and the fingerprint of all of them.
-#}
{% macro change_in_place(relation, last_version, changed, inputs, fingerprint) %}
    {%- set name = relation.schema ~ '.' ~ relation.identifier -%}
    {%- set key = tables_by_card()[name].key -%}
    {%- set unit = tables_by_card()[name].unit -%}
    {%- set changed_key = 'customer_id' if unit == 'customer' else 'planfix_id' -%}
    {% call statement('rebuilt') -%}
        create temporary table rebuilt_rows on commit drop as
        select rebuilt.*
        from (
        {{ changed.query if changed.count else 'select * from ' ~ relation }}
        ) as rebuilt
        -- what is not read by card gives rows of every card
        where rebuilt.{{ key }} in (
            select {{ changed_key }} from {{ changed_cards_table(unit) }}
        )
    {%- endcall %}
    {%- set note = run_query(_change_in_place_sql(
        relation, name, key, unit, last_version, fingerprint
    )).rows[0] -%}
    {%- do run_query(note_card_builds_sql([card_build_row(name, note['version'], inputs)])) -%}
    {%- do drop_views_of_changed_cards() -%}
    {{- return(note) -}}
{% endmacro %}


{#- Rows that went leave holes that nobody fills: where there are too many, the table is made anew. -#}
{% macro has_few_holes(relation) %}
    {{- return(run_query(
        "select coalesce(" ~ are_few_cards(
            "substring(note from 'deleted=(\\d+)')::bigint",
            "substring(note from 'rows=(\\d+)')::bigint"
        ) ~ ", false) from (select obj_description(to_regclass('"
        ~ relation.include(database=false) ~ "'), 'pg_class') as note) as noted"
    ).rows[0][0]) -}}
{% endmacro %}


{% macro _change_in_place_sql(relation, name, key, unit, last_version, fingerprint) %}
{%- set changed_key = 'customer_id' if unit == 'customer' else 'planfix_id' -%}
create temporary table changed_table (
    version text, row_count bigint, inserted bigint, deleted bigint, differing bigint
) on commit drop;
-- as the table has them, so that equal rows have equal hashes
create temporary table typed_rows (like {{ relation }}) on commit drop;
do $change$
declare
    names text := (
        select string_agg(quote_ident(attname), ', ' order by attnum)
        from pg_attribute
        where attrelid = '{{ relation }}'::regclass and attnum > 0 and not attisdropped
    );
    about changed_table;
    written_count bigint;
begin
    execute format('insert into typed_rows (%1$s) select %1$s from rebuilt_rows', names);
    create temporary table replaced_rows on commit drop as
    select
        whole.ctid as address,
        whole.{{ key }} as {{ changed_key }},
        {{ row_hash('whole') }} as row_hash
    from {{ relation }} as whole
    where whole.{{ key }} in (select {{ changed_key }} from {{ changed_cards_table(unit) }});
    create temporary table differing_cards on commit drop as
    select {{ changed_key }}
    from (
        select {{ changed_key }}, row_hash, false as is_new from replaced_rows
        union all
        select typed.{{ key }}, {{ row_hash('typed') }}, true
        from typed_rows as typed
    ) as both_sides
    group by {{ changed_key }}
    having {{ _row_hashes_differ() }};

    select
        '{{ last_version }}',
        substring(note from 'rows=(\d+)')::bigint,
        -- what the server has counted so far, from nothing after a crash
        pg_stat_get_tuples_inserted('{{ relation }}'::regclass),
        pg_stat_get_tuples_deleted('{{ relation }}'::regclass),
        (select count(*) from differing_cards)
    from (select obj_description('{{ relation }}'::regclass, 'pg_class') as note) as noted
    into about;
    if about.differing > 0 then
        delete from {{ relation }}
        where ctid = any(array(
            select address from replaced_rows
            where {{ changed_key }} in (select {{ changed_key }} from differing_cards)
        ));
        get diagnostics written_count = row_count;
        about.row_count := about.row_count - written_count;
        about.deleted := about.deleted + written_count;
        insert into {{ relation }}
        select * from typed_rows
        where {{ key }} in (select {{ changed_key }} from differing_cards);
        get diagnostics written_count = row_count;
        about.row_count := about.row_count + written_count;
        about.inserted := about.inserted + written_count;
        about.version := '{{ fingerprint }}';
        {{ _next_card_version_sql(name, fingerprint, unit, 'differing_cards') | indent(8) }}
    end if;
    insert into changed_table values (about.*);
end
$change$;
select * from changed_table
{% endmacro %}
