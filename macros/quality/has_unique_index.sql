{#-
    Whether the table has a valid unique index on these very columns, so that the server has refused
    every double already and a test need not sort all rows to find none. It is asked of the
    catalog when the test runs: without the index the rows are counted. Such an index takes
    rows with an empty value as different; those the test has to look at itself.
-#}
{% macro has_unique_index(relation, columns) %}
    {#- a test with `where` gets the text of a query instead of a relation -#}
    {%- if not execute or relation is string -%}{{- return(false) -}}{%- endif -%}
    {%- set name = relation.include(database=false) -%}
    {%- set found = run_query(
        "select exists ("
        ~ "select from pg_index where indrelid = to_regclass('" ~ name ~ "') "
        ~ "and indisunique and indisvalid and indimmediate and indpred is null "
        ~ "and indnatts = " ~ columns | length ~ " and indnkeyatts = indnatts "
        ~ "and array(select attname::text from pg_attribute "
        ~ "where attrelid = indrelid and attnum = any(indkey) order by attname) "
        ~ "= array['" ~ columns | sort | join("', '") ~ "']) as is_there"
    ) -%}
    {{- return(found.rows[0]['is_there']) -}}
{% endmacro %}
