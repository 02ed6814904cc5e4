{#-
    The copies that a dry run writes to instead of the live tables and the state. One snapshot
    serves all tables: an order of the CRM written meanwhile is in all of them or in none.
    Live tables and state are read, never locked against anybody and never written.
-#}
{% macro refresh_dry_run_copies() %}
    {%- set live = setting('riderra_schema') -%}
    {%- set existing = run_query(
        "select nspname || '.' || relname from pg_catalog.pg_class"
        ~ " inner join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace"
        ~ " where relkind in ('r', 'p') and nspname in ('migration', '" ~ live ~ "')"
    ).columns[0].values() -%}
    {%- set absent = [] -%}
    {%- for table in live_tables() if live ~ '.' ~ table not in existing -%}
        {%- do absent.append(table) -%}
    {%- endfor -%}
    {%- if absent and absent | length < live_tables() | length -%}
        {%- do exceptions.raise_compiler_error(
            'schema ' ~ live ~ ' has only some of the target tables; missing: '
            ~ absent | join(', ') ~ '. Set RIDERRA_SCHEMA to the schema of the CRM.'
        ) -%}
    {%- endif -%}
    {%- call statement('copies', fetch_result=false, auto_begin=true) -%}
        set transaction isolation level repeatable read;
        set local client_min_messages = warning;
        select pg_advisory_xact_lock(hashtext('riderra_migration dry_run'));
        drop schema if exists {{ adapter.quote('dry_run_' ~ live) }} cascade;
        drop schema if exists dry_run_migration cascade;
        {%- if absent %}
        {{ live_tables_ddl('dry_run_' ~ live) }}
        {%- else %}
        create schema {{ adapter.quote('dry_run_' ~ live) }};
        {%- for table in live_tables() %}
        create table {{ adapter.quote('dry_run_' ~ live) }}.{{ table }}
            (like {{ adapter.quote(live) }}.{{ table }} including all);
        {%- endfor %}
        {{ _own_sequences_sql('dry_run_' ~ live) }}
        {{ _copy_rows_sql(live, 'dry_run_' ~ live, live_tables()) }}
        {{ _copy_foreign_keys_sql(live, 'dry_run_' ~ live) }}
        {%- endif %}
        {{ state_tables_ddl('dry_run_migration') }}
        {%- set copied = [] %}
        {%- for table in state_tables()
            if 'migration.' ~ table in existing and table != 'row_changes' %}
        {%- do copied.append(table) %}
        {%- endfor %}
        {{ _copy_rows_sql('migration', 'dry_run_migration', copied) }}
        {{ _continue_identities_sql('dry_run_migration') }}
        {%- for table in live_tables() %}
        analyze {{ adapter.quote('dry_run_' ~ live) }}.{{ table }};
        {%- endfor %}
        analyze dry_run_migration.published_rows;
        analyze dry_run_migration.customer_identity;
    {%- endcall -%}
    {%- do adapter.commit() -%}
{% endmacro %}


{#- A copied default still counts on the live sequence: the copy gets one of its own. -#}
{% macro _own_sequences_sql(copy) %}
        do $sequences$
        declare
            counted record;
        begin
            for counted in
                select
                    pg_class.relname,
                    pg_attribute.attname,
                    sequence.oid::regclass as live_sequence
                from pg_catalog.pg_attrdef
                inner join pg_catalog.pg_class on pg_class.oid = pg_attrdef.adrelid
                inner join pg_catalog.pg_attribute
                    on
                        pg_attribute.attrelid = pg_attrdef.adrelid
                        and pg_attribute.attnum = pg_attrdef.adnum
                inner join pg_catalog.pg_depend
                    on
                        pg_depend.classid = 'pg_catalog.pg_attrdef'::regclass
                        and pg_depend.objid = pg_attrdef.oid
                        and pg_depend.refclassid = 'pg_catalog.pg_class'::regclass
                inner join pg_catalog.pg_class as sequence
                    on sequence.oid = pg_depend.refobjid and sequence.relkind = 'S'
                where pg_class.relnamespace = to_regnamespace(quote_ident('{{ copy }}'))
            loop
                execute format(
                    'create sequence %1$I.%2$I; '
                    'select setval(%3$L::regclass, last_value, is_called) from %4$s; '
                    'alter table %1$I.%5$I alter column %6$I set default nextval(%3$L)',
                    '{{ copy }}',
                    counted.relname || '_' || counted.attname || '_own_seq',
                    format(
                        '%I.%I',
                        '{{ copy }}',
                        counted.relname || '_' || counted.attname || '_own_seq'
                    ),
                    counted.live_sequence,
                    counted.relname,
                    counted.attname
                );
            end loop;
        end
        $sequences$;
{% endmacro %}


{#- Column by column, since a generated column takes no value. -#}
{% macro _copy_rows_sql(source_schema, copy_schema, tables) %}
        do $rows$
        declare
            copied text;
            column_list text;
        begin
            foreach copied in array array['{{ tables | join("', '") }}']::text[] loop
                select string_agg(quote_ident(attname), ', ' order by attnum)
                into column_list
                from pg_catalog.pg_attribute
                where
                    attrelid = format('%I.%I', '{{ source_schema }}', copied)::regclass
                    and attnum > 0
                    and not attisdropped
                    and attgenerated = '';
                execute format(
                    'insert into %I.%I (%s) overriding system value select %s from %I.%I',
                    '{{ copy_schema }}',
                    copied,
                    column_list,
                    column_list,
                    '{{ source_schema }}',
                    copied
                );
            end loop;
        end
        $rows$;
{% endmacro %}


{#- `like` leaves foreign keys behind; those among the six tables are made again. -#}
{% macro _copy_foreign_keys_sql(live, copy) %}
        do $copy$
        declare
            foreign_key record;
        begin
            for foreign_key in
                select
                    pg_constraint.conname,
                    own.relname as own_table,
                    replace(
                        pg_get_constraintdef(pg_constraint.oid),
                        'REFERENCES ' || pg_constraint.confrelid::regclass::text || '(',
                        format('REFERENCES %I.%I(', '{{ copy }}', other.relname)
                    ) as definition
                from pg_catalog.pg_constraint
                inner join pg_catalog.pg_class as own on own.oid = pg_constraint.conrelid
                inner join pg_catalog.pg_class as other on other.oid = pg_constraint.confrelid
                where
                    pg_constraint.contype = 'f'
                    and own.relnamespace = to_regnamespace(quote_ident('{{ live }}'))
                    and other.relnamespace = own.relnamespace
                    and own.relname in ('{{ live_tables() | join("', '") }}')
                    and other.relname in ('{{ live_tables() | join("', '") }}')
            loop
                execute format(
                    'alter table %I.%I add constraint %I %s',
                    '{{ copy }}',
                    foreign_key.own_table,
                    foreign_key.conname,
                    foreign_key.definition
                );
            end loop;
        end
        $copy$;
{% endmacro %}


{#- Rows copied with their numbers leave the counters behind. -#}
{% macro _continue_identities_sql(schema) %}
        do $identities$
        declare
            counted record;
        begin
            for counted in
                select
                    columns.table_name,
                    columns.column_name
                from information_schema.columns
                where columns.table_schema = '{{ schema }}' and columns.is_identity = 'YES'
            loop
                execute format(
                    'select setval(pg_get_serial_sequence(%L, %L), coalesce(max(%I), 0) + 1, false)'
                    ' from %I.%I',
                    '{{ schema }}.' || counted.table_name,
                    counted.column_name,
                    counted.column_name,
                    '{{ schema }}',
                    counted.table_name
                );
            end loop;
        end
        $identities$;
{% endmacro %}
