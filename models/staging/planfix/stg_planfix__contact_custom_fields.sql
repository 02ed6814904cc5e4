with

source as (

    select
        id as planfix_id,
        fetched_at,
        case when jsonb_typeof(custom_fields) = 'object' then custom_fields end
            as custom_fields
    from {{ source('planfix_raw', 'contacts') }}
    where {{ finished_loads('planfix_raw') }}

),

fields as (

    select
        source.planfix_id,
        source.fetched_at,
        {{ source_bigint('field.field_key') }} as custom_field_id,
        field.field ->> 'name' as field_name,
        {{ source_bigint("field.field ->> 'type'") }} as field_type,
        field.field -> 'value' as field_value,
        field.field ->> 'stringValue' as string_value
    from source
    cross join lateral jsonb_each(source.custom_fields) as field (field_key, field)

),

final as (

    select
        planfix_id,
        custom_field_id,
        field_name,
        field_type,
        field_value,
        {{ trimmed(custom_field_text('field_value', 'string_value')) }} as value_text,
        fetched_at
    from fields

)

select * from final
