{#- Returns each customer and channel without exactly one primary address, with how many it has. -#}
{% test one_primary(model) %}
    select
        customer_id,
        channel,
        count(*) filter (where is_primary) as primary_count
    from {{ model }}
    group by customer_id, channel
    having count(*) filter (where is_primary) <> 1
{% endtest %}
