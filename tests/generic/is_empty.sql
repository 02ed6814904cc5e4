{#- Returns every row of the model, or those that fulfil `where`: a model of violations must have
    none. -#}
{% test is_empty(model, where='true') %}
    select * from {{ model }}
    where {{ where }}
{% endtest %}
