{#-
    Version of a raw table, after what each card shows was compared with the version before: address
    and writing transaction of its rows, so that a change by anybody is one. A row without a
    card belongs to none that could be rebuilt: such a table has versions, but no known changes.
-#}
{% macro source_card_version(name) %}
    {%- set table = tables_by_card()[name] -%}
    {%- set schema = name.split('.')[0] -%}
    {%- set version = shown_rows_version(schema, name) -%}
    {%- set compared = graph.setdefault('compared_sources_' ~ invocation_id, {}) -%}
    {%- if name not in compared -%}
        {#- under a lock: another thread may come for the same table -#}
        {%- do run_in_transaction(_compare_source_sql(name, schema, table.key, version)) -%}
        {%- do compared.update({name: true}) -%}
    {%- endif -%}
    {{- return(version) -}}
{% endmacro %}


{% macro _compare_source_sql(name, schema, key, version) %}
{%- set known_rows = 'migration.source_cards__' ~ name.split('.')[1] -%}
set local client_min_messages = warning;
select pg_advisory_xact_lock(hashtext('riderra_migration cards of {{ name }}'));
do $compare$
declare
    changed_count bigint;
begin
    if to_regclass('{{ known_rows }}') is not null and (
        select generation from migration.card_versions
        where relation = '{{ name }}' and version = '{{ version }}'
    ) = (
        select max(generation) from migration.card_versions where relation = '{{ name }}'
    ) then
        return;
    end if;
    if to_regclass('{{ known_rows }}') is null
        or not exists (select from migration.card_versions where relation = '{{ name }}')
        or exists (select from {{ name }} where {{ key }} is null and {{ _is_shown(schema) }})
    then
        drop table if exists {{ known_rows }};
        create unlogged table {{ known_rows }} as
        {{ _source_cards_sql(name, schema, key) | indent(8) }};
        analyze {{ known_rows }};
        {{ _begin_card_versions_sql(name, version) | indent(8) }}
        return;
    end if;
    create temporary table compared_cards on commit drop as
    select
        coalesce(shown.planfix_id, known.planfix_id) as planfix_id,
        shown.row_hash
    from (
        {{ _source_cards_sql(name, schema, key) | indent(8) }}
    ) as shown
    full join {{ known_rows }} as known on shown.planfix_id = known.planfix_id
    where shown.row_hash is distinct from known.row_hash;
    delete from {{ known_rows }}
    where planfix_id in (select planfix_id from compared_cards);
    insert into {{ known_rows }}
    select * from compared_cards where row_hash is not null;
    select count(*) from compared_cards into changed_count;
    if {{ are_few_cards('changed_count') }} then
        {{ _next_card_version_sql(name, version, 'card', 'compared_cards') | indent(8) }}
        {{ _index_cards_sql(name, key) | indent(8) }}
    else
        {{ _begin_card_versions_sql(name, version) | indent(8) }}
    end if;
end
$compare$;
{% endmacro %}


{#- Made for the first delta, of which ten models and tests ask the raw rows of few cards. Where the
    extract has an account of its own, the table is left as that account made it. -#}
{% macro _index_cards_sql(name, key) -%}
if not exists (
    select
    from pg_index
    inner join pg_attribute
        on pg_index.indrelid = pg_attribute.attrelid and pg_index.indkey[0] = pg_attribute.attnum
    where
        pg_index.indrelid = '{{ name }}'::regclass
        and pg_index.indisvalid
        and pg_index.indpred is null
        and pg_attribute.attname = '{{ key }}'
)
    and pg_has_role((select relowner from pg_class where oid = '{{ name }}'::regclass), 'usage')
then
    begin
        perform set_config('lock_timeout', '2s', true);
        create index on {{ name }} ({{ key }});
    exception
        -- an extract is writing: the next delta comes by again
        when lock_not_available then null;
    end;
end if;
{%- endmacro %}


{% macro _source_cards_sql(name, schema, key) -%}
    select
        {{ key }} as planfix_id,
        sum({{ row_hash('row(ctid, xmin)') }}::numeric) as row_hash
    from {{ name }}
    where {{ key }} is not null and {{ _is_shown(schema) }}
    group by {{ key }}
{%- endmacro %}


{#- Where more cards changed than a fifth of the account's, a table is built whole, and readers
    likewise. -#}
{% macro are_few_cards(count, all_rows='0') -%}
    {{ count }} <= 0.2 * greatest({{ all_rows }}, (
        select coalesce(max(reltuples), 0) from pg_class
        where oid = to_regclass('migration.source_cards__contacts')
    ))
{%- endmacro %}


{#- A table whose last version is not known, or has little in common with this one. -#}
{% macro _begin_card_versions_sql(relation, version, is_sql=false) -%}
{%- set version = version if is_sql else "'" ~ version ~ "'" -%}
delete from migration.card_changes where relation = '{{ relation }}';
delete from migration.customer_changes where relation = '{{ relation }}';
delete from migration.card_versions where relation = '{{ relation }}';
insert into migration.card_versions (relation, version, generation)
values ('{{ relation }}', {{ version }}, 1);
{%- endmacro %}


{#- A version that differs from the last one in the cards, or customers, of a table. Who was built
    from one that is twenty versions old is built whole. -#}
{% macro _next_card_version_sql(relation, version, unit, changed, is_sql=false) -%}
{%- set version = version if is_sql else "'" ~ version ~ "'" -%}
{%- set key = 'customer_id' if unit == 'customer' else 'planfix_id' -%}
insert into migration.card_versions (relation, version, generation)
select relation, {{ version }}, max(generation) + 1
from migration.card_versions
where relation = '{{ relation }}'
group by relation
on conflict (relation, version) do update set generation = excluded.generation;
insert into migration.{{ unit }}_changes (relation, generation, {{ key }})
select '{{ relation }}', latest.generation, changed.{{ key }}
from (select distinct {{ key }} from {{ changed }}) as changed
cross join (
    select max(generation) as generation from migration.card_versions
    where relation = '{{ relation }}'
) as latest;
{%- for table in ['card_changes', 'customer_changes', 'card_versions'] %}
delete from migration.{{ table }}
where relation = '{{ relation }}' and generation <= (
    select max(generation) - 20 from migration.card_versions where relation = '{{ relation }}'
);
{%- endfor %}
{%- endmacro %}
