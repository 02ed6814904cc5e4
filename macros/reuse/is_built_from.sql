{#-
    Tells whether a table still is what was built from these inputs. Rows that somebody changed by
    hand show in the server's counters; an unlogged table that a crash emptied is empty though
    its note says otherwise.
-#}
{% macro is_built_from(relation, inputs) %}
    {%- if relation is none or not relation.is_table -%}{{- return(false) -}}{%- endif -%}
    {%- set name = relation.include(database=false) -%}
    {%- set found = run_query(
        "select 1 from pg_class where oid = to_regclass('" ~ name ~ "') "
        ~ "and obj_description(oid, 'pg_class') like 'inputs=" ~ inputs ~ " %' "
        ~ "and pg_stat_get_tuples_updated(oid) = 0 and pg_stat_get_tuples_deleted(oid) = 0 "
        ~ "and (obj_description(oid, 'pg_class') like '% rows=0' "
        ~ "     or exists (select from " ~ name ~ "))"
    ) -%}
    {{- return(found | length > 0) -}}
{% endmacro %}
