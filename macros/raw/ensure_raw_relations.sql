{#- A source that was never extracted has no raw tables: dlt creates them with the first rows.
    The models must build all the same, on empty tables that dlt later finds and fills. -#}
{% macro ensure_raw_relations() %}
    {%- if not execute -%}{{- return('') -}}{%- endif -%}
    {%- set found = {} -%}
    {%- set rows = run_query(
        "select table_schema, table_name, column_name from information_schema.columns "
        ~ "where table_schema in ('" ~ raw_relations().keys() | join("', '") ~ "')"
    ) -%}
    {%- for row in rows -%}
        {%- do found.setdefault(row[0] ~ '.' ~ row[1], []).append(row[2]) -%}
    {%- endfor -%}
    {%- set statements = _raw_relations_ddl(raw_relations(), found) -%}
    {%- if statements -%}
        {%- do log(
            'raw: ' ~ statements | length ~ ' statements for relations no extract has filled yet',
            info=true
        ) -%}
    {%- endif -%}
    {{- return(statements | join(';\n')) -}}
{% endmacro %}


{#- `found` maps "schema.table" to its column names; only what is missing is created, because an
    `alter table … if not exists` would still wait for an exclusive lock on every table. -#}
{% macro _raw_relations_ddl(relations, found) %}
    {%- set statements = [] -%}
    {%- for schema, tables in relations.items() -%}
        {%- set missing = [] -%}
        {%- for table, columns in tables.items() -%}
            {%- set name = schema ~ '.' ~ table -%}
            {%- if name not in found -%}
                {%- set parts = [] -%}
                {%- for column, type in columns.items() -%}
                    {%- do parts.append('"' ~ column ~ '" ' ~ type) -%}
                {%- endfor -%}
                {%- do missing.append(
                    'create table if not exists ' ~ name ~ ' (' ~ parts | join(', ') ~ ')'
                ) -%}
            {%- else -%}
                {%- for column, type in columns.items() if column not in found[name] -%}
                    {%- do missing.append(
                        'alter table ' ~ name ~ ' add column if not exists "' ~ column ~ '" '
                        ~ type | replace(' not null', '')
                    ) -%}
                {%- endfor -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if missing -%}
            {%- do statements.append('create schema if not exists ' ~ schema) -%}
            {%- do statements.extend(missing) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(statements) -}}
{% endmacro %}
