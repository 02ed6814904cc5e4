{#- Reads a relation of the CRM that this project does not own. Absent, it is an empty set that says
    so; there but without a column that a var names, it is an error that names the var. -#}
{% macro crm_relation(name) %}
    {%- set columns = var(name ~ '_columns') -%}
    {%- set parts = setting(name ~ '_relation').replace('"', '').split('.') -%}
    {%- set relation = none -%}
    {%- if execute and parts | length == 2 -%}
        {%- set relation = adapter.get_relation(target.database, parts[0], parts[1]) -%}
    {%- endif -%}
    {%- set found = {} -%}
    {%- if relation is not none -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- do found.update({column.name: column.dtype}) -%}
        {%- endfor -%}
    {%- elif execute and flags.WHICH in ['build', 'run'] -%}
        {%- do log(
            'crm: ' ~ setting(name ~ '_relation') ~ ' is not there; ' ~ this.name
            ~ ' stays empty (var ' ~ name ~ '_relation)', info=true
        ) -%}
    {%- endif -%}
    {{- return(_crm_relation_sql(name, relation, columns, found)) -}}
{% endmacro %}


{% macro _crm_relation_sql(name, relation, columns, found) %}
    {%- set expressions = [] -%}
    {%- for column, source_column in columns.items() -%}
        {%- if relation is none or not source_column -%}
            {%- do expressions.append('null::text as ' ~ column) -%}
        {%- elif source_column not in found -%}
            {%- do exceptions.raise_compiler_error(
                'error: ' ~ relation.schema ~ '.' ~ relation.identifier ~ ' has no column '
                ~ source_column ~ ': correct ' ~ column ~ ' in the var ' ~ name
                ~ '_columns, or set it to an empty text.'
            ) -%}
        {%- elif found[source_column] == 'timestamp with time zone' -%}
            {#- as text it would depend on the zone of the session -#}
            {%- do expressions.append(
                "to_char(\"" ~ source_column ~ "\" at time zone 'UTC', "
                ~ "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as " ~ column
            ) -%}
        {%- else -%}
            {%- do expressions.append('"' ~ source_column ~ '"::text as ' ~ column) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set tail = ' where false' if relation is none else ' from ' ~ relation -%}
    {{- return('select ' ~ expressions | join(', ') ~ tail) -}}
{% endmacro %}
