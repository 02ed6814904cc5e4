with

custom_values as (

    select * from {{ ref('int_contact_custom_values__mapped') }}
    where target = 'legacy_id'

),

pieces as (

    select
        custom_values.planfix_id,
        custom_values.source_system,
        -- a number field gives 1024.0, an export 1024.00
        regexp_replace({{ tidied('pieces.piece') }}, '^([0-9]+)[.,]0+$', '\1')
            as external_id
    from custom_values
    cross join
        lateral regexp_split_to_table(custom_values.value_text, '[;,\r\n]+')
            as pieces (piece)
    where custom_values.source_system is not null

),

final as (

    select distinct
        planfix_id,
        source_system,
        external_id
    from pieces
    where external_id is not null

)

select * from final
