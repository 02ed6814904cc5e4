{#-
    dbt-postgres' own catalog query, and beside it the share of rows that have a value in each
    column of the six ready tables: `dbt docs` shows it as a figure of the model's page.
-#}
{% macro postgres__get_catalog_relations(information_schema, relations) %}
    {%- set rates = _fill_rates(relations | map(attribute='schema') | unique | list) -%}
    {%- call statement('catalog', fetch_result=True) -%}
        {% set database = information_schema.database %}
        {{ adapter.verify_database(database) }}

        select
            '{{ database }}' as table_database,
            pg_namespace.nspname as table_schema,
            pg_class.relname as table_name,
            case pg_class.relkind
                when 'v' then 'VIEW'
                when 'm' then 'MATERIALIZED VIEW'
                else 'BASE TABLE'
            end as table_type,
            pg_catalog.obj_description(pg_class.oid, 'pg_class') as table_comment,
            pg_attribute.attname as column_name,
            pg_attribute.attnum as column_index,
            pg_catalog.format_type(pg_attribute.atttypid, pg_attribute.atttypmod) as column_type,
            pg_catalog.col_description(pg_class.oid, pg_attribute.attnum) as column_comment,
            pg_catalog.pg_get_userbyid(pg_class.relowner) as table_owner,
            'Filled' as "stats:filled:label",
            rates.filled as "stats:filled:value",
            'Share of rows with a value, per column' as "stats:filled:description",
            rates.filled is not null as "stats:filled:include"
        from pg_catalog.pg_namespace
        inner join pg_catalog.pg_class on pg_class.relnamespace = pg_namespace.oid
        inner join pg_catalog.pg_attribute on pg_attribute.attrelid = pg_class.oid
        left join (
            values
            {%- for rate in rates %}
            ('{{ rate.schema }}', '{{ rate.table }}', '{{ rate.filled }}'),
            {%- endfor %}
            (null, null, null)
        ) as rates (table_schema, table_name, filled)
            on
                pg_namespace.nspname = rates.table_schema
                and pg_class.relname = rates.table_name
        where
            (
                {%- for relation in relations %}
                upper(pg_namespace.nspname) = upper('{{ relation.schema }}')
                {%- if relation.identifier %}
                and upper(pg_class.relname) = upper('{{ relation.identifier }}')
                {%- endif %}
                {%- if not loop.last %} or{% endif -%}
                {%- endfor %}
            )
            and not pg_catalog.pg_is_other_temp_schema(pg_namespace.oid)
            and pg_class.relpersistence in ('p', 'u')
            and pg_class.relkind in ('r', 'v', 'f', 'p', 'm')
            and pg_attribute.attnum > 0
            and not pg_attribute.attisdropped
        order by
            pg_namespace.nspname,
            pg_class.relname,
            pg_attribute.attnum
    {%- endcall -%}
    {{ return(load_result('catalog').table) }}
{% endmacro %}


{#- One row per ready table that is built: schema, table, and the rates as one text. -#}
{% macro _fill_rates(schemas) %}
    {%- set tables = run_query(
        "select nspname, relname, string_agg(format('%L || '' '' || trunc(100.0 * "
        ~ "count(nullif(%I::text, '''')) / nullif(count(*), 0), 1) || '' %%''', attname, "
        ~ "attname), ' || '', '' || ' order by attnum) as texts "
        ~ "from pg_catalog.pg_namespace "
        ~ "inner join pg_catalog.pg_class on relnamespace = pg_namespace.oid "
        ~ "inner join pg_catalog.pg_attribute on attrelid = pg_class.oid "
        ~ "where attnum > 0 and not attisdropped and nspname like '%ready' "
        ~ "and nspname in ('" ~ schemas | join("', '") ~ "') "
        ~ "and relname in ('" ~ live_tables() | join("', '") ~ "') group by 1, 2"
    ) -%}
    {%- set found = [] -%}
    {%- for row in tables.rows -%}
        {%- set rates = run_query(
            'select ' ~ row[2] ~ ' as filled from '
            ~ adapter.quote(row[0]) ~ '.' ~ adapter.quote(row[1])
        ) -%}
        {%- if rates.rows[0][0] -%}
            {%- do found.append(
                {'schema': row[0], 'table': row[1], 'filled': rates.rows[0][0]}
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
