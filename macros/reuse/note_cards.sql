{#-
    Notes of a table by card what it was built from, compares it card by card with the one that
    stood there before, and returns the version that readers go by: the last one where every card is
    what it was, so that nothing above is built again.

    Arguments: the table; the one it replaces and its version (none when that cannot be vouched for);
    the inputs now; the fingerprint of all inputs; whether only changed cards were built.
-#}
{% macro note_cards(relation, last_relation, last_version, inputs, fingerprint, is_partial) %}
    {%- set name = this.schema ~ '.' ~ this.identifier -%}
    {%- set version = run_query(_compare_cards_sql(
        name, relation, last_relation, last_version, fingerprint, is_partial
    )).rows[0][0] -%}
    {%- do run_query(note_card_builds_sql([card_build_row(name, version, inputs)])) -%}
    {{- return(version) -}}
{% endmacro %}


{#- What was built, or tested, from which versions of its inputs. -#}
{% macro note_card_builds_sql(rows) %}
insert into migration.card_builds (relation, version, rest, inputs)
values {{ rows | join(', ') }}
on conflict (relation) do update set
    version = excluded.version,
    rest = excluded.rest,
    inputs = excluded.inputs;
{% endmacro %}


{% macro card_build_row(name, version, inputs) %}
    {{- return(
        "('" ~ name ~ "', '" ~ version ~ "', '" ~ inputs.rest ~ "', '" ~ tojson(inputs.cards) ~ "')"
    ) -}}
{% endmacro %}


{% macro _compare_cards_sql(name, relation, last_relation, last_version, fingerprint, is_partial) %}
create temporary table if not exists noted_version (version text) on commit drop;
truncate noted_version;
do $compare$
declare
    changed_count bigint;
begin
    {%- if last_version %}
    if exists (
        select from migration.card_versions
        where relation = '{{ name }}' and version = '{{ last_version }}'
    ) then
        create temporary table differing_cards on commit drop as
        select planfix_id
        from (
            {%- for side, sign in [(relation, '+'), (last_relation, '-')] %}
            select planfix_id, {{ sign }} hashtextextended(side::text, 0)::numeric as row_hash
            from {{ side }} as side
            {%- if is_partial %}
            where planfix_id in (select planfix_id from {{ changed_cards_table() }})
            {%- endif %}
            {%- if not loop.last %}
            union all
            {%- endif %}
            {%- endfor %}
        ) as both_sides
        group by planfix_id
        having sum(row_hash) <> 0;
        select count(*) from differing_cards into changed_count;
        if changed_count = 0 then
            insert into noted_version values ('{{ last_version }}');
            return;
        end if;
        if {{ are_few_cards('changed_count') }} then
            {{ _next_card_version_sql(name, fingerprint, 'differing_cards') | indent(12) }}
            insert into noted_version values ('{{ fingerprint }}');
            return;
        end if;
    end if;
    {%- endif %}
    {{ _begin_card_versions_sql(name, fingerprint) | indent(4) }}
    insert into noted_version values ('{{ fingerprint }}');
end
$compare$;
select version from noted_version
{% endmacro %}
