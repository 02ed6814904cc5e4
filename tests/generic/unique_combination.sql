{#- Returns each combination of `columns` that more than one row of the model has, with its count.
    Empty values take part: two rows that lack the same column are the same combination. `indexed`
    says that the table has a unique index on the columns. The column that tells most rows apart
    comes first: a sort then seldom looks at the others. -#}
{% test unique_combination(model, columns, indexed=false) %}
    select
        {{ columns | join(', ') }},
        count(*) as row_count
    from {{ model }}
    {%- if indexed and has_unique_index(model, columns) %}
    -- the server lets no combination twice into its unique index, but of rows with an empty value
    where {{ columns | join(' is null or ') }} is null
    {%- endif %}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}
