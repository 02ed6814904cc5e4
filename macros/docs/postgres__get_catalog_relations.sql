{#- dbt's own catalog query, plus the share of filled rows in the type of each ready column. -#}
{% macro postgres__get_catalog_relations(information_schema, relations) %}
    {%- set conditions = [] -%}
    {%- for relation in relations -%}
        {%- set condition = "upper(spaces.nspname) = upper('" ~ relation.schema ~ "')" -%}
        {%- if relation.identifier -%}
            {%- set condition = '(' ~ condition ~ " and upper(tables.relname) = upper('"
                ~ relation.identifier ~ "'))" -%}
        {%- endif -%}
        {%- do conditions.append(condition) -%}
    {%- endfor -%}
    {%- set rates = _fill_rates_sql() -%}
    {%- call statement('catalog', fetch_result=true) -%}
        select
            '{{ information_schema.database }}' as table_database,
            spaces.nspname as table_schema,
            tables.relname as table_name,
            case tables.relkind
                when 'v' then 'VIEW'
                when 'm' then 'MATERIALIZED VIEW'
                else 'BASE TABLE'
            end as table_type,
            table_comments.description as table_comment,
            columns.attname as column_name,
            columns.attnum as column_index,
            pg_catalog.format_type(columns.atttypid, columns.atttypmod)
            || coalesce(' (' || rates.filled || ')', '') as column_type,
            column_comments.description as column_comment,
            pg_catalog.pg_get_userbyid(tables.relowner) as table_owner
        from pg_catalog.pg_namespace as spaces
        inner join pg_catalog.pg_class as tables on spaces.oid = tables.relnamespace
        inner join pg_catalog.pg_attribute as columns on tables.oid = columns.attrelid
        left join pg_catalog.pg_description as table_comments
            on tables.oid = table_comments.objoid and table_comments.objsubid = 0
        left join pg_catalog.pg_description as column_comments
            on
                tables.oid = column_comments.objoid
                and columns.attnum = column_comments.objsubid
        left join ({{ rates }}) as rates
            on
                spaces.nspname = rates.table_schema
                and tables.relname = rates.table_name
                and columns.attname = rates.column_name
        where
            ({{ conditions | join(' or ') }})
            and not pg_catalog.pg_is_other_temp_schema(spaces.oid)
            and tables.relpersistence in ('p', 'u')
            and tables.relkind in ('r', 'v', 'f', 'p', 'm')
            and columns.attnum > 0
            and not columns.attisdropped
        order by spaces.nspname, tables.relname, columns.attnum
    {%- endcall -%}
    {{- return(load_result('catalog').table) -}}
{% endmacro %}


{#- Rows (table_schema, table_name, column_name, filled) of the ready tables that are built. -#}
{% macro _fill_rates_sql() %}
    {%- set found = run_query(
        "select attribute.attrelid::regclass::text as relation, spaces.nspname::text as schema, "
        "tables.relname::text as name, attribute.attname::text as column_name "
        "from pg_catalog.pg_namespace as spaces "
        "inner join pg_catalog.pg_class as tables on spaces.oid = tables.relnamespace "
        "inner join pg_catalog.pg_attribute as attribute on tables.oid = attribute.attrelid "
        "where spaces.nspname = '" ~ generate_schema_name('ready', none) ~ "' "
        "and tables.relkind = 'r' and tables.relname in ('" ~ live_tables() | join("', '")
        ~ "') and attribute.attnum > 0 and not attribute.attisdropped"
    ) -%}
    {%- set selects = [
        "select null::text as table_schema, null::text as table_name, "
        "null::text as column_name, null::bigint as filled, null::bigint as total where false"
    ] -%}
    {%- for relation in found.columns['relation'].values() | unique -%}
        {%- set rows = found.rows | selectattr('relation', 'equalto', relation) | list -%}
        {%- set counts = [] -%}
        {%- for row in rows -%}
            {%- do counts.append(
                "count(nullif(" ~ adapter.quote(row['column_name']) ~ "::text, ''))"
            ) -%}
        {%- endfor -%}
        {%- do selects.append(
            "select '" ~ rows[0]['schema'] ~ "', '" ~ rows[0]['name'] ~ "', unnest(array['"
            ~ rows | map(attribute='column_name') | join("', '") ~ "']), unnest(array["
            ~ counts | join(', ') ~ ']), count(*) from ' ~ relation
        ) -%}
    {%- endfor -%}
    {{- return(
        "select table_schema, table_name, column_name, "
        "to_char(100.0 * filled / nullif(total, 0), 'FM990.0') || ' % filled' as filled from ("
        ~ selects | join(' union all ') ~ ') as counted'
    ) -}}
{% endmacro %}
