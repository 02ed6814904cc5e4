{#- Returns every row of the model, or those that fulfil `condition`: a model of violations must have
    none. -#}
{% test is_empty(model, condition='true') %}
    select * from {{ model }}
    where {{ condition }}
{% endtest %}
