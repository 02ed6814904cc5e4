-- A value without a row in the mapping keeps its own name: a tag that nobody mapped is
-- still a tag. The worklist of unmapped values lists it.

with

tag_values as (

    select * from {{ ref('int_contact_tags__collected') }}

),

contacts as (

    select planfix_id from {{ ref('int_contacts__normalized') }}

),

mapping as (

    select
        lower({{ trimmed('source_kind') }}) as source_kind,
        lower({{ tidied('source_value') }}) as value_key,
        lower({{ trimmed('target_kind') }}) as target_kind,
        {{ tidied('target_tag') }} as target_tag,
        lower({{ trimmed('action') }}) as action
    from {{ ref('tag_mapping') }}

),

mapped as (

    select
        tag_values.planfix_id,
        coalesce(
            mapping.target_kind,
            case tag_values.source_kind
                when 'group' then 'group'
                when 'segment' then 'segment'
                else 'tag'
            end
        ) as kind,
        coalesce(mapping.target_tag, tag_values.source_value) as tag,
        tag_values.source_kind || ':' || tag_values.source_value as source
    from tag_values
    inner join contacts
        on tag_values.planfix_id = contacts.planfix_id
    left outer join mapping
        on
            tag_values.source_kind = mapping.source_kind
            and lower(tag_values.source_value) = mapping.value_key
    where mapping.action is distinct from 'drop'

),

final as (

    select
        planfix_id,
        kind,
        tag,
        min(source collate "C") as source
    from mapped
    group by planfix_id, kind, tag

)

select * from final
