{#- Returns each key that a raw row lacks or shares with another, with its count. For a view that shows
    the rows of `raw_table` (a table of planfix_raw) one for one, or the items of lists in them with
    their positions: its own key holds as soon as theirs does, and reading the view would unpack
    every object only to count it. -#}
{% test one_row_per_raw_key(model, raw_table, columns) %}
    select
        {{ columns | join(', ') }},
        count(*) as row_count
    from {{ raw_table }}
    where {{ finished_loads('planfix_raw') }}
    group by {{ columns | join(', ') }}
    having
        count(*) > 1
        {% for column in columns -%}
        or {{ column }} is null
        {% endfor %}
{% endtest %}
