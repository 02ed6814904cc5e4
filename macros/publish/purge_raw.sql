{#-
    Removes personal data from raw, staging, the layers built of it, quarantine, the precomputed
    results and the extract's own files; counts, keys, the live tables and the state stay:
    dbt run-operation purge_raw --args '{purged_by: …}'

    Tables are emptied and filled again rather than updated: the old rows leave the disk with the
    commit, not with some later vacuum. `before_images: true` also empties the before-images, after
    which no run can be taken back.
-#}
{% macro purge_raw(purged_by, without_archive=false, before_images=false) %}
    {%- if execute -%}
        {%- do _check_purge(purged_by, without_archive) -%}
        {#- the pages of an extract that never came to its end; from dbt_personal_data.py -#}
        {%- do adapter.remove_extract_files() -%}
        {%- call statement('purge_raw', auto_begin=true) -%}
            {{ _purge_sql(purged_by, before_images) }}
        {%- endcall -%}
        {%- do adapter.commit() -%}
        {%- do log(
            'purged, with the files of the extract below .local/dlt. A build needs a full '
            ~ 'extract first.',
            info=true
        ) -%}
    {%- endif -%}
{% endmacro %}


{% macro _check_purge(purged_by, without_archive) %}
    {%- if not purged_by | string | trim -%}
        {%- do exceptions.raise_compiler_error('say who purges: purged_by.') -%}
    {%- elif target.name == 'dry_run' -%}
        {%- do exceptions.raise_compiler_error(
            'a dry run reads the same raw data as the real one: purge without --target dry_run.'
        ) -%}
    {%- endif -%}
    {%- do need_built('cutover_status') -%}
    {%- set wanted = ['sign_off'] if without_archive else ['sign_off', 'archive'] -%}
    {%- set missing = [] -%}
    {%- for row in run_query(
        "select detail, what_to_do from " ~ ref('cutover_status')
        ~ " where not is_done and step in ('" ~ wanted | join("', '") ~ "')"
        ~ " order by step_number"
    ).rows -%}
        {%- do missing.append(row['detail'] ~ ' -> ' ~ row['what_to_do']) -%}
    {%- endfor -%}
    {%- if missing -%}
        {%- do exceptions.raise_compiler_error(
            'nothing is purged, since not all is done:\n  ' ~ missing | join('\n  ')
            ~ ('' if without_archive else
                '\n  (without_archive: true purges although there is no archive)')
        ) -%}
    {%- endif -%}
{% endmacro %}


{#- Models whose rows stay without their personal columns: keys and outcomes are of use later. -#}
{% macro _masked_models() %}
    {%- set masked = {} -%}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'model'
        and node.package_name == project_name
        and node.config.materialized not in ['view', 'ephemeral', 'publish']
        and (
            node.fqn[1] in ['quality', 'review', 'publish']
            or node.name == 'int_contacts__normalized'
        ) -%}
        {%- set columns = [] -%}
        {%- for column in node.columns.values()
            if column.meta.get('pii') or column.config.meta.get('pii') -%}
            {%- do columns.append(column.name) -%}
        {%- endfor -%}
        {%- if columns -%}
            {%- do masked.update({node.schema ~ '.' ~ node.alias: columns}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(masked) -}}
{% endmacro %}


{% macro _purge_sql(purged_by, before_images) %}
{%- set masked = _masked_models() -%}
{%- set layers = [] -%}
{%- for node in graph.nodes.values()
    if node.resource_type == 'model'
    and node.package_name == project_name
    and node.fqn[1] in ['intermediate', 'riderra']
    and node.schema not in layers -%}
    {%- do layers.append(node.schema) -%}
{%- endfor %}
set local client_min_messages = warning;
set local lock_timeout = '{{ setting('publish_lock_timeout') }}';

create temporary table purge_counts (table_name text, row_count bigint) on commit drop;

do $purge$
declare
    target record;
    emptied text;
    row_count bigint;
begin
    -- raw: every row with its keys and its load, nothing else
    for target in
        select
            pg_class.oid::regclass as relation,
            string_agg(
                case
                    when format_type(atttypid, null) = 'jsonb' and attname <> 'header'
                        then format('''{}''::jsonb as %I', attname)
                    when attname = 'raw_line' then ''''' as raw_line'
                    else quote_ident(attname)
                end,
                ', ' order by attnum
            ) as kept,
            string_agg(quote_ident(attname), ', ' order by attnum) as columns
        from pg_catalog.pg_class
        inner join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
        inner join pg_catalog.pg_attribute on attrelid = pg_class.oid
        where
            nspname in ('planfix_raw', 'planfix_csv_raw')
            and relkind = 'r'
            and attnum > 0
            and not attisdropped
        group by pg_class.oid
        having bool_or(format_type(atttypid, null) = 'jsonb' or attname = 'raw_line')
    loop
        execute format('select count(*) from %s', target.relation) into row_count;
        insert into purge_counts values (target.relation::text, row_count);
        execute format(
            'create temporary table purge_kept on commit drop as select %s from %s',
            target.kept,
            target.relation
        );
        execute format('truncate %s', target.relation);
        execute format(
            'insert into %s (%s) select * from purge_kept', target.relation, target.columns
        );
        drop table purge_kept;
    end loop;

    -- what the extract leaves beside it, and the precomputed results
    for target in
        select
            pg_class.oid::regclass as relation,
            nspname,
            relname
        from pg_catalog.pg_class
        inner join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
        where
            relkind = 'r'
            and (
                (
                    nspname in ('planfix_raw_staging', 'planfix_csv_raw_staging')
                    and relname not like '\_dlt%'
                )
                or (nspname = 'python_functions' and relname like '%\_results')
                or (
                    nspname in ('{{ layers | join("', '") }}')
                    and nspname || '.' || relname not in (
                        '{{ masked | list | join("', '") }}'
                    )
                )
            )
    loop
        execute format('select count(*) from %s', target.relation) into row_count;
        insert into purge_counts values (target.relation::text, row_count);
        emptied := concat_ws(', ', emptied, target.relation::text);
    end loop;
    if emptied is not null then
        execute 'truncate ' || emptied || ' cascade';
    end if;

    -- rows that stay without their personal columns
    for target in
        select
            pg_class.oid::regclass as relation,
            masked.columns
        from (
            values
            {%- for table, columns in masked.items() %}
            (
                '{{ table.split('.')[0] }}',
                '{{ table.split('.')[1] }}',
                array['{{ columns | join("', '") }}']
            ){{ ',' if not loop.last }}
            {%- endfor %}
        ) as masked (schema_name, table_name, columns)
        inner join pg_catalog.pg_namespace on nspname = masked.schema_name
        inner join pg_catalog.pg_class
            on relnamespace = pg_namespace.oid and relname = masked.table_name
        where relkind = 'r'
    loop
        execute format('select count(*) from %s', target.relation) into row_count;
        insert into purge_counts values (target.relation::text, row_count);
        execute (
            select format(
                'create temporary table purge_kept on commit drop as select %s from %s',
                string_agg(
                    case
                        when attname = any(target.columns)
                            then format(
                                'null::%s as %I', format_type(atttypid, atttypmod), attname
                            )
                        else quote_ident(attname)
                    end,
                    ', ' order by attnum
                ),
                target.relation
            )
            from pg_catalog.pg_attribute
            where attrelid = target.relation and attnum > 0 and not attisdropped
        );
        execute (
            select coalesce(
                string_agg(
                    format(
                        'alter table %s alter column %I drop not null', target.relation, attname
                    ),
                    '; '
                ),
                'select'
            )
            from pg_catalog.pg_attribute
            where
                attrelid = target.relation
                and attname = any(target.columns)
                and attnotnull
        );
        execute format('truncate %s', target.relation);
        execute format('insert into %s select * from purge_kept', target.relation);
        drop table purge_kept;
    end loop;
    {%- if before_images %}

    select count(*) into row_count from {{ state_relation('row_changes') }};
    insert into purge_counts values ('migration.row_changes', row_count);
    update {{ state_relation('row_changes') }}
    set before_values = null, after_values = null
    where table_name <> 'customer_identity';
    {%- endif %}
end
$purge$;

drop schema if exists
    {{ adapter.quote('dry_run_' ~ setting('riderra_schema')) }},
    dry_run_migration,
    dry_run_staging,
    dry_run_intermediate,
    dry_run_ready,
    dry_run_quality,
    dry_run_publish
cascade;

insert into {{ state_relation('purges') }} (sign_off_id, archive_id, counts, purged_by)
select
    (select max(sign_off_id) from {{ state_relation('sign_offs') }}),
    (select max(archive_id) from {{ state_relation('archives') }}),
    (select jsonb_object_agg(table_name, row_count) from purge_counts),
    {{ sql_text(purged_by) }};
{% endmacro %}
