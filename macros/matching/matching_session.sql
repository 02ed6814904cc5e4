{#- For the length of one model. The planner takes the rows that come out of a function, and of a CTE
    that is read twice, for a handful, and a nested loop over them for cheap: at 100,000 records
    that turned two seconds into ten minutes. #}
{% macro matching_session() -%}
    set local enable_nestloop = off
{%- endmacro %}
