{#- Returns each value of the column that more than one row has, with its count, and the rows that have
    none: a key is there and is unique, and one pass over the rows tells both. `indexed` says that the
    table has a unique index on the column. -#}
{% test is_key(model, column_name, indexed=false) %}
    select
        {{ column_name }},
        count(*) as row_count
    from {{ model }}
    {%- if indexed and has_unique_index(model, [column_name]) %}
    -- the server lets no value twice into its unique index
    where {{ column_name }} is null
    {%- endif %}
    group by {{ column_name }}
    having count(*) > 1 or {{ column_name }} is null
{% endtest %}
