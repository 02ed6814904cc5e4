-- Every tag-like value of a record, before the mapping: its group, its data tags,
-- custom fields that are mapped to tags, and the segments whose export files it stands
-- in.

with

contacts as (

    select * from {{ ref('int_contacts__normalized') }}

),

records as (

    select * from {{ ref('int_contacts__csv_merged') }}

),

details as (

    select * from {{ ref('stg_planfix__contact_details') }}

),

data_tag_entries as (

    select * from {{ ref('stg_planfix__data_tag_entries') }}

),

data_tags as (

    select * from {{ ref('stg_planfix__data_tags') }}

),

custom_values as (

    select * from {{ ref('int_contact_custom_values__mapped') }}
    where target = 'tag'

),

custom_fields as (

    select * from {{ ref('stg_planfix__custom_fields') }}

),

lines as (

    select * from {{ ref('int_csv_lines__numbered') }}

),

listed_data_tags as (

    select
        details.planfix_id,
        {{ source_id("items.item #>> '{dataTag,id}'") }} as data_tag_id,
        items.item #>> '{dataTag,name}' as data_tag_name
    from details
    cross join lateral jsonb_array_elements(details.data_tags) as items (item)

    union all

    select
        planfix_id,
        data_tag_id,
        data_tag_name
    from data_tag_entries
    where planfix_id is not null

),

tag_values as (

    select
        planfix_id,
        'group' as source_kind,
        group_name as source_value
    from contacts
    where group_name is not null

    union all

    select
        listed_data_tags.planfix_id,
        'data_tag' as source_kind,
        coalesce(listed_data_tags.data_tag_name, data_tags.data_tag_name)
            as source_value
    from listed_data_tags
    left outer join data_tags
        on listed_data_tags.data_tag_id = data_tags.data_tag_id

    union all

    select
        records.planfix_id,
        'data_tag' as source_kind,
        pieces.piece as source_value
    from records
    cross join lateral regexp_split_to_table(records.tags, '[,;]') as pieces (piece)

    union all

    -- a ticked box (an export prints "Да") says the field's own label, a list or set
    -- its values; a box that is not ticked says nothing
    select
        custom_values.planfix_id,
        'custom_field' as source_kind,
        case
            when lower(pieces.piece) in ('true', 'да', 'yes')
                then coalesce(custom_fields.field_name, custom_values.note)
            else pieces.piece
        end as source_value
    from custom_values
    left outer join custom_fields
        on custom_values.custom_field_id = custom_fields.custom_field_id
    cross join
        lateral regexp_split_to_table(
            custom_values.value_text,
            case jsonb_typeof(custom_values.field_value)
                when 'array' then '; '
                else '[\r\n]+'
            end
        ) as pieces (piece)
    where lower(pieces.piece) not in ('false', 'нет', 'no')

    union all

    select
        planfix_id,
        'segment' as source_kind,
        segment as source_value
    from lines
    where
        segment is not null
        and planfix_id is not null
        and is_latest_version

),

final as (

    select distinct
        planfix_id,
        source_kind,
        {{ tidied('source_value') }} as source_value
    from tag_values
    where {{ tidied('source_value') }} is not null

)

select * from final
