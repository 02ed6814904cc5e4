with

tag_values as (

    select * from {{ ref('int_contact_tags__collected') }}

),

mapping as (

    select
        lower({{ trimmed('source_kind') }}) as source_kind,
        lower({{ tidied('source_value') }}) as value_key
    from {{ ref('tag_mapping') }}

),

final as (

    select
        tag_values.source_kind,
        tag_values.source_value,
        count(*) as record_count,
        min(tag_values.planfix_id) as example_planfix_id
    from tag_values
    where
        not exists (
            select from mapping
            where
                tag_values.source_kind = mapping.source_kind
                and lower(tag_values.source_value) = mapping.value_key
        )
    group by tag_values.source_kind, tag_values.source_value

)

select * from final
