{#-
    Version of a live table of the CRM, or of the baseline, after noting whose rows changed since the
    version before. Rows that came or were changed have been written by a transaction that was not
    over then; of rows that went, ours are missed in the baseline's company. A row that the CRM gave to
    another client concerns both.

    A server that was started anew may be another one, or an older state of this one, and a table
    that was put in place of the noted one has other rows: then all counts as changed.
-#}
{% macro source_customer_version(name) %}
    {%- set version = _table_fingerprint(name, 'rows') -%}
    {%- set compared = graph.setdefault('compared_sources_' ~ invocation_id, {}) -%}
    {%- if name not in compared -%}
        {#- under a lock: another thread may come for the same table -#}
        {%- do run_in_transaction(_customer_changes_sql(
            name, name.split('.')[1], tables_by_card()[name].key, version
        )) -%}
        {%- do compared.update({name: true}) -%}
    {%- endif -%}
    {{- return(version) -}}
{% endmacro %}


{% macro _customer_changes_sql(name, table, key, version) %}
{%- set published_rows = _published_rows() -%}
{%- set live_id = row_id(table, 'live') if table in live_tables() else none -%}
set local client_min_messages = warning;
select pg_advisory_xact_lock(hashtext('riderra_migration customers of {{ name }}'));
do $changed$
declare
    -- whoever is not over yet has this number or a later one
    horizon bigint := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    place_now text := pg_postmaster_start_time() || ' ' || '{{ name }}'::regclass::oid || ' '
        || pg_relation_filenode('{{ name }}');
    noted migration.customer_watermarks;
    changed_count bigint;
begin
    select * from migration.customer_watermarks where relation = '{{ name }}' into noted;
    if (
        select generation from migration.card_versions
        where relation = '{{ name }}' and version = '{{ version }}'
    ) = (
        select max(generation) from migration.card_versions where relation = '{{ name }}'
    ) then
        return;
    end if;
    insert into migration.customer_watermarks (relation, place, horizon)
    values ('{{ name }}', place_now, horizon)
    on conflict (relation) do update set place = excluded.place, horizon = excluded.horizon;
    if noted.place is distinct from place_now
        or not exists (select from migration.card_versions where relation = '{{ name }}')
    then
        {{ _begin_card_versions_sql(name, version) | indent(8) }}
        return;
    end if;
    create temporary table written_rows on commit drop as
    select
        live.{{ key }} as customer_id,
        {{ live_id or 'null::uuid' }} as row_id
    from {{ name }} as live
    -- numbers of transactions begin anew after 2^32 of them
    where ((live.xmin::text::bigint - noted.horizon) & 4294967295) < 2147483648;
    create temporary table changed_customers on commit drop as
    select customer_id from written_rows
    {%- if live_id %}
    union
    select known.customer_id
    from {{ published_rows }} as known
    inner join written_rows on known.row_id = written_rows.row_id
    where known.table_name = '{{ table }}'
    union
    select known.customer_id
    from {{ published_rows }} as known
    left join {{ name }} as live on known.row_id = {{ live_id }}
    where known.table_name = '{{ table }}' and live.{{ key }} is null
    {%- endif %};
    select count(*) from changed_customers into changed_count;
    if {{ are_few_cards('changed_count') }} then
        {{ _next_card_version_sql(name, version, 'customer', 'changed_customers') | indent(8) }}
    else
        {{ _begin_card_versions_sql(name, version) | indent(8) }}
    end if;
end
$changed$;
{% endmacro %}
