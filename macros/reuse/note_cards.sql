{#-
    Notes of a table by card or customer what it was built from, compares it one by one with the one
    that stood there before, and returns the version that readers go by: the last one where every
    card is what it was, so that nothing above is built again.

    Arguments: the table; the one it replaces and its version (none when that cannot be vouched for);
    the inputs now; the fingerprint of all inputs; the number of its rows.
-#}
{% macro note_cards(relation, last_relation, last_version, inputs, fingerprint, row_count) %}
    {%- set name = this.schema ~ '.' ~ this.identifier -%}
    {%- set version = run_query(_compare_cards_sql(
        name, relation, last_relation, last_version, fingerprint, row_count
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


{% macro _compare_cards_sql(
    name, relation, last_relation, last_version, fingerprint, row_count
) %}
{%- set table = tables_by_card()[name] -%}
{%- set unit_key = 'customer_id' if table.unit == 'customer' else 'planfix_id' -%}
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
    )
        -- a plan of millions that became one of none is not worth comparing
        and (
            select {{ are_few_cards('abs(' ~ row_count ~ ' - last_count)', 'last_count') | indent(12) }}
            from (
                select
                    substring(
                        obj_description('{{ last_relation }}'::regclass, 'pg_class')
                        from 'rows=(\d+)'
                    )::bigint as last_count
            ) as noted
        )
    then
        create temporary table differing_cards on commit drop as
        select {{ unit_key }}
        from (
            {%- for side, is_new in [(relation, 'true'), (last_relation, 'false')] %}
            select
                {{ table.key }} as {{ unit_key }},
                {{ row_hash('side') }} as row_hash,
                {{ is_new }} as is_new
            from {{ side }} as side
            {%- if not loop.last %}
            union all
            {%- endif %}
            {%- endfor %}
        ) as both_sides
        group by {{ unit_key }}
        having {{ _row_hashes_differ() }};
        select count(*) from differing_cards into changed_count;
        if changed_count = 0 then
            insert into noted_version values ('{{ last_version }}');
            return;
        end if;
        -- what belongs to nobody cannot be built by itself
        if {{ are_few_cards('changed_count') }}
            and not exists (select from differing_cards where {{ unit_key }} is null)
        then
            {{ _next_card_version_sql(name, fingerprint, table.unit, 'differing_cards') | indent(12) }}
            {%- if table.is_crosswalk %}
            insert into migration.customer_changes (relation, generation, customer_id)
            select '{{ name }}', latest.generation, changed.customer_id
            from (
                select customer_id from {{ relation }}
                where planfix_id in (select planfix_id from differing_cards)
                union
                select customer_id from {{ last_relation }}
                where planfix_id in (select planfix_id from differing_cards)
            ) as changed
            cross join (
                select max(generation) as generation from migration.card_versions
                where relation = '{{ name }}'
            ) as latest;
            {%- endif %}
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


{#- For sums over rows. The hash of a record adds up those of its columns, so that two rows which
    exchange the values of a column would have the same sum as before: hashed once more, they do not. -#}
{% macro row_hash(row) -%}
    hashint8extended(hash_record_extended({{ row }}, 0), 0)
{%- endmacro %}


{#- Of two sides of one card; by sums, so that the order of its rows says nothing. -#}
{% macro _row_hashes_differ() -%}
    sum(row_hash) filter (where is_new) is distinct from sum(row_hash) filter (where not is_new)
{%- endmacro %}
