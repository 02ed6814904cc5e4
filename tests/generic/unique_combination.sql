{#- Returns each combination of `columns` that more than one row of the model has, with its count.
    Empty values take part: two rows that lack the same column are the same combination. -#}
{% test unique_combination(model, columns) %}
    select
        {{ columns | join(', ') }},
        count(*) as row_count
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}
