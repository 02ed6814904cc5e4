with

source as (

    select
        source_contact.id as planfix_id,
        contact.*
    from {{ source('planfix_raw', 'contacts') }} as source_contact
    cross join
        lateral jsonb_to_record(source_contact.payload) as contact (
            "telegram" text,
            "telegramId" text,
            "skype" text,
            "facebook" text,
            "instagram" text,
            "viberId" text,
            "vk" text
        )
    where source_contact.{{ finished_loads('planfix_raw') }}

),

final as (

    select
        source.planfix_id,
        messengers.field,
        messengers.channel,
        {{ trimmed('messengers.handle') }} as handle
    from source
    cross join
        lateral (
            values
            ('telegram', 'telegram', source.telegram),
            ('telegramId', 'telegram', source."telegramId"),
            ('skype', 'skype', source.skype),
            ('facebook', 'facebook', source.facebook),
            ('instagram', 'instagram', source.instagram),
            ('viberId', 'viber', source."viberId"),
            ('vk', 'vk', source.vk)
        ) as messengers (field, channel, handle)
    where {{ trimmed('messengers.handle') }} is not null

)

select * from final
