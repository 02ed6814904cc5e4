with

source as (

    select
        id as planfix_id,
        {{ json_array("payload -> 'phones'") }} as phones
    from {{ source('planfix_raw', 'contacts') }}
    where {{ finished_loads('planfix_raw') }}

),

final as (

    select
        source.planfix_id,
        phones.phone_position::int as phone_position,
        coalesce(
            {{ trimmed("phones.phone ->> 'number'") }},
            {{ trimmed("phones.phone ->> 'maskedNumber'") }}
        ) as number,
        {{ source_id("phones.phone ->> 'type'") }} as type_id
    from source
    cross join
        lateral jsonb_array_elements(source.phones)
        with ordinality as phones (phone, phone_position)

)

select * from final
