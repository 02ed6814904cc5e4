{#-
    Version of a live table of the CRM, or of the baseline, after noting whose rows changed since the
    version before. Rows that came or were changed have been written by a transaction that was not
    over then; where fewer of the others are left, rows went, and ours are missed in the baseline's
    company. A row that the CRM gave to another client concerns both. Whose rows of the baseline
    went is noted by its trigger.

    A server that was started anew may be another one, or an older state of this one, and a table
    that was put in place of the noted one has other rows: then all counts as changed.
-#}
{% macro source_customer_version(name) %}
    {%- set known = graph.setdefault('source_versions_' ~ invocation_id, {}) -%}
    {%- if name not in known -%}
        {#- under a lock: another thread may come for the same table -#}
        {%- do run_in_transaction(_customer_changes_sql(
            name, name.split('.')[1], tables_by_card()[name].key
        )) -%}
        {%- do known.update({name: run_query(
            "select version from migration.customer_watermarks where relation = '" ~ name ~ "'"
        ).rows[0][0]}) -%}
    {%- endif -%}
    {{- return(known[name]) -}}
{% endmacro %}


{#- Live tables and the baseline are looked at so; a dry run writes no state. -#}
{% macro is_source_by_customer(name) %}
    {%- set table = tables_by_card().get(name) -%}
    {{- return(
        table and table.is_source and table.unit == 'customer' and target.name != 'dry_run'
    ) -}}
{% endmacro %}


{% macro _customer_changes_sql(name, table, key) %}
{%- set live_id = row_id(table, 'live') if table in live_tables() else none -%}
{%- set is_baseline = name == _published_rows() -%}
set local client_min_messages = warning;
{{ session_settings() }};
select pg_advisory_xact_lock(hashtext('riderra_migration customers of {{ name }}'));
do $changed$
declare
    -- whoever is not over yet has this number or a later one
    horizon_now bigint := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    place_now text := pg_postmaster_start_time() || ' ' || '{{ name }}'::regclass::oid || ' '
        || pg_relation_filenode('{{ name }}');
    version_now text := md5(
        place_now || ' ' || horizon_now || ' ' || '{{ invocation_id }}'
    );
    noted migration.customer_watermarks;
    all_count bigint;
    written_count bigint;
    changed_count bigint;
begin
    select * from migration.customer_watermarks where relation = '{{ name }}' into noted;
    -- as a table, since only one process would count for a variable
    create temporary table looked_at on commit drop as
    select
        count(*) as all_count,
        count(*) filter (where {{ _is_written_since('live', 'noted.horizon') }})
            as written_count
    from {{ name }} as live;
    select looked_at.all_count, looked_at.written_count from looked_at
    into all_count, written_count;
    if noted.place is not distinct from place_now
        and written_count = 0
        and all_count = noted.row_count
        {%- if is_baseline %}
        and not exists (select from migration.unpublished_customers)
        {%- endif %}
    then
        return;
    end if;
    {%- if is_baseline %}
    create temporary table unpublished (customer_id uuid) on commit drop;
    with taken as (
        delete from migration.unpublished_customers returning customer_id
    )

    insert into unpublished select distinct customer_id from taken;
    {%- endif %}
    insert into migration.customer_watermarks (relation, place, horizon, row_count, version)
    values ('{{ name }}', place_now, horizon_now, all_count, version_now)
    on conflict (relation) do update set
        place = excluded.place,
        horizon = excluded.horizon,
        row_count = excluded.row_count,
        version = excluded.version;
    if noted.place is distinct from place_now
        or not exists (
            select from migration.card_versions
            where relation = '{{ name }}' and version = noted.version
        )
        -- after a first load, say: not few clients, then
        or written_count > 0.5 * all_count
    then
        {{ _begin_card_versions_sql(name, 'version_now', is_sql=true) | indent(8) }}
        return;
    end if;
    create temporary table written_rows on commit drop as
    select
        live.{{ key }} as customer_id,
        {{ live_id or 'null::uuid' }} as row_id
    from {{ name }} as live
    where {{ _is_written_since('live', 'noted.horizon') }};
    create temporary table changed_customers on commit drop as
    select customer_id from written_rows
    {%- if live_id %}
    union
    select known.customer_id
    from {{ _published_rows() }} as known
    inner join written_rows on known.row_id = written_rows.row_id
    where known.table_name = '{{ table }}'
    {%- endif %}
    {%- if is_baseline %}
    union
    select customer_id from unpublished
    {%- endif %};
    {%- if live_id %}
    if all_count - written_count < noted.row_count then
        insert into changed_customers
        select distinct known.customer_id
        from {{ _published_rows() }} as known
        left join {{ name }} as live on known.row_id = {{ live_id }}
        where known.table_name = '{{ table }}' and live.{{ key }} is null;
    end if;
    {%- endif %}
    select count(distinct customer_id) from changed_customers into changed_count;
    if {{ are_few_cards('changed_count') }} then
        {{ _next_card_version_sql(
            name, 'version_now', 'customer', 'changed_customers', is_sql=true
        ) | indent(8) }}
    else
        {{ _begin_card_versions_sql(name, 'version_now', is_sql=true) | indent(8) }}
    end if;
end
$changed$;
{% endmacro %}


{#- Numbers of transactions begin anew after 2^32 of them. -#}
{% macro _is_written_since(alias, horizon) -%}
    (({{ alias }}.xmin::text::bigint - {{ horizon }}) & 4294967295) < 2147483648
{%- endmacro %}
