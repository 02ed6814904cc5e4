{#-
    The version noted at a table that still is what was built from these inputs (from any when none
    are named); none when it has to be built. Rows that somebody changed by hand show in the
    server's counters (which a restored or crashed server begins anew); an unlogged table that a
    crash emptied is empty though its note says otherwise.
-#}
{% macro version_built_from(relation, inputs='%') %}
    {%- if relation is none or not relation.is_table -%}{{- return(none) -}}{%- endif -%}
    {%- set name = relation.include(database=false) -%}
    {%- set found = run_query(
        "with noted as (select oid, obj_description(oid, 'pg_class') as note "
        ~ "from pg_class where oid = to_regclass('" ~ name ~ "')), "
        ~ "built as (select oid, substring(note from 'version=(\\w+)') as version, "
        ~ "substring(note from 'rows=(\\d+)')::bigint as row_count, "
        ~ "substring(note from 'inserted=(\\d+)')::bigint as inserted, "
        ~ "substring(note from 'deleted=(\\d+)')::bigint as deleted "
        ~ "from noted where note like 'inputs=" ~ inputs ~ " %') "
        ~ "select version from built where pg_stat_get_tuples_updated(oid) = 0 "
        ~ "and (pg_stat_get_tuples_inserted(oid), pg_stat_get_tuples_deleted(oid)) "
        ~ "in ((0, 0), (inserted, deleted)) "
        ~ "and (row_count = 0 or exists (select from " ~ name ~ "))"
    ) -%}
    {{- return(found.rows[0][0] if found | length > 0 else none) -}}
{% endmacro %}
