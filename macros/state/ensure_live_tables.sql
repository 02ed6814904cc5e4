{#-
    Real target: the six tables are there with the columns we write and the rights to do so, or are
    made where `create_live_tables` allows, or the run stops with one message. Never altered.
-#}
{% macro ensure_live_tables() %}
    {%- set schema = setting('riderra_schema') -%}
    {%- set missing = run_query(_missing_live_columns_sql(schema)) -%}
    {%- if missing.rows | length > 0 -%}
        {%- set lacking = missing.columns['table_name'].values() | unique | list -%}
        {%- set absent = missing.rows
            | selectattr('is_table_missing') | map(attribute='table_name') | unique | list -%}
        {%- if lacking | length > absent | length -%}
            {%- set columns = [] -%}
            {%- for row in missing.rows if not row['is_table_missing'] -%}
                {%- do columns.append(row['table_name'] ~ '.' ~ row['column_name']) -%}
            {%- endfor -%}
            {%- do exceptions.raise_compiler_error(
                'schema ' ~ schema ~ ' lacks columns that the migration writes: '
                ~ columns | join(', ') ~ '. Bring the CRM up to date, or set '
                ~ 'RIDERRA_SCHEMA to the schema that has them.'
            ) -%}
        {%- elif not _may_create_live_tables() -%}
            {%- do exceptions.raise_compiler_error(
                'the target tables are missing: schema ' ~ schema ~ ' of database '
                ~ target.database ~ ' has no ' ~ absent | join(', ') ~ '. Set '
                ~ 'RIDERRA_SCHEMA to the schema of the CRM, or allow this project to '
                ~ 'create the tables with RIDERRA_CREATE_LIVE_TABLES=true.'
            ) -%}
        {%- endif -%}
        {%- do run_in_transaction(
            live_tables_ddl(schema), 'created in schema ' ~ schema ~ ': ' ~ absent | join(', ')
        ) -%}
    {%- endif -%}
    {%- set forbidden = run_query(_forbidden_live_tables_sql(schema)) -%}
    {%- if forbidden.rows | length > 0 -%}
        {%- do exceptions.raise_compiler_error(
            'role ' ~ target.user ~ ' may not select, insert, update and delete in '
            ~ forbidden.columns['table_name'].values() | join(', ') ~ ' of schema ' ~ schema
            ~ ': grant usage on schema ' ~ schema ~ ' and these rights on its six customer '
            ~ 'tables.'
        ) -%}
    {%- endif -%}
{% endmacro %}


{% macro _may_create_live_tables() %}
    {%- set choice = setting('create_live_tables') | lower -%}
    {%- if choice in ['true', 'false'] -%}
        {{- return(choice == 'true') -}}
    {%- elif choice != 'auto' -%}
        {%- do exceptions.raise_compiler_error(
            'RIDERRA_CREATE_LIVE_TABLES is ' ~ choice ~ ': give true, false or auto.'
        ) -%}
    {%- endif -%}
    {#- auto: only on the server that this project started itself -#}
    {{- return(run_query(
        "select coalesce(current_setting('riderra.embedded', true), '') = 'on'"
    ).rows[0][0]) -}}
{% endmacro %}


{% macro _missing_live_columns_sql(schema) %}
    {%- set wanted = [] -%}
    {%- for table in live_tables() -%}
        {%- for column in publish_tables()[table]['columns'] -%}
            {%- do wanted.append("('" ~ table ~ "', '" ~ column ~ "')") -%}
        {%- endfor -%}
    {%- endfor -%}
    select
        wanted.table_name,
        wanted.column_name,
        found.oid is null as is_table_missing
    from (values {{ wanted | join(', ') }}) as wanted (table_name, column_name)
    left join pg_catalog.pg_class as found
        on
            found.relname = wanted.table_name
            and found.relnamespace = to_regnamespace(quote_ident('{{ schema }}'))
    left join pg_catalog.pg_attribute as attribute
        on
            attribute.attrelid = found.oid
            and attribute.attname = wanted.column_name
            and not attribute.attisdropped
    where attribute.attname is null
    order by wanted.table_name, wanted.column_name
{% endmacro %}


{% macro _forbidden_live_tables_sql(schema) %}
    select found.relname::text as table_name
    from pg_catalog.pg_class as found
    where
        found.relnamespace = to_regnamespace(quote_ident('{{ schema }}'))
        and found.relname in ('{{ live_tables() | join("', '") }}')
        and not (
            has_schema_privilege(found.relnamespace, 'usage')
            and has_table_privilege(found.oid, 'select')
            and has_table_privilege(found.oid, 'insert')
            and has_table_privilege(found.oid, 'update')
            and has_table_privilege(found.oid, 'delete')
        )
    order by found.relname
{% endmacro %}
