{#- Returns the row of one gate when it did not pass, or a row that says so when the gate model
    lacks it: a gate that nobody measures is no gate. -#}
{% test gate_passes(model, gate) %}
    select
        '{{ gate }}' as gate,
        coalesce(gates.sentence, 'the gate was not measured') as sentence
    from (select 1) as one_row
    left join {{ model }} as gates on gates.gate = '{{ gate }}'
    where not coalesce(gates.passed, false)
{% endtest %}
