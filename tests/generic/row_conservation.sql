{#- Returns each key that stands in only one of the two models: `key` of this model, narrowed by
    `condition`, against `from_key` of `from_model`, narrowed by `from_condition`. Says on which side the
    row is missing. -#}
{% test row_conservation(
    model, key, from_model, from_key, condition='true', from_condition='true'
) %}
    select
        kept.{{ key }}::text as key_here,
        source_rows.{{ from_key }}::text as key_there,
        case
            when source_rows.{{ from_key }} is null then 'appeared from nowhere'
            else 'was lost'
        end as defect
    from (select {{ key }} from {{ model }} where {{ condition }}) as kept
    full outer join (
        select {{ from_key }} from {{ from_model }} where {{ from_condition }}
    ) as source_rows
        on kept.{{ key }} = source_rows.{{ from_key }}
    where kept.{{ key }} is null
        or source_rows.{{ from_key }} is null
{% endtest %}
