{#-
    Hash of some columns of a row that is the same in every session: times and days go in as
    numbers, since their text depends on the session's zone and date style.
-#}
{% macro group_hash(columns, alias) %}
    {%- set instants = [
        'source_created_at', 'source_updated_at', 'noted_at', 'captured_at',
    ] -%}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- if column in instants -%}
            {%- do parts.append('extract(epoch from ' ~ alias ~ '.' ~ column ~ ')') -%}
        {%- elif column == 'birth_date' -%}
            {%- do parts.append(alias ~ '.' ~ column ~ " - date '2000-01-01'") -%}
        {%- else -%}
            {%- do parts.append(alias ~ '.' ~ column) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return('md5(row(' ~ parts | join(', ') ~ ')::text)::uuid') -}}
{% endmacro %}
