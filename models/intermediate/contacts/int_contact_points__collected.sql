-- Every cell that may hold a phone, an address or a messenger account, as written, with
-- the region its phones are read in. Calls no Python function: the requests for
-- precomputed results are read off this table.

with

contacts as (

    select * from {{ ref('int_contacts__normalized') }}

),

records as not materialized (

    select * from {{ ref('int_contacts__csv_merged') }}

),

messengers as (

    select * from {{ ref('stg_planfix__contact_messengers') }}

),

custom_values as (

    select * from {{ ref('int_contact_custom_values__mapped') }}
    where target = 'messenger'

),

decisions as (

    select * from {{ ref('int_contact_points__decided') }}
    where action = 'correct'

),

api_phones as (

    select
        planfix_id,
        'phone' as channel,
        number as raw_value,
        case type_id
            when 1 then 'mobile'
            when 2 then 'work'
            when 3 then 'home'
            else 'other'
        end as label,
        'api' as source,
        phone_position as source_position
    from {{ ref('stg_planfix__contact_phones') }}
    where number is not null

),

api_emails as (

    select
        planfix_id,
        'email' as channel,
        email as raw_value,
        'other' as label,
        'api' as source,
        email_position as source_position
    from {{ ref('stg_planfix__contact_emails') }}

),

csv_cells as (

    select
        records.planfix_id,
        cells.channel,
        cells.raw_value,
        null as label,
        'csv' as source,
        1 as source_position
    from records
    cross join
        lateral (
            values
            ('phone', records.phone),
            ('email', records.email)
        ) as cells (channel, raw_value)
    where cells.raw_value is not null

),

-- one account per call of messenger_handle; a slash is no separator here, links have
-- them
accounts as (

    select
        planfix_id,
        channel,
        handle as raw_value,
        'api' as source,
        -- the user name before the numeric id
        case field when 'telegramId' then 2 else 1 end as source_position
    from messengers

    union all

    select
        records.planfix_id,
        cells.channel,
        cells.raw_value,
        'csv' as source,
        1 as source_position
    from records
    cross join
        lateral (
            values
            ('telegram', records.telegram),
            ('whatsapp', records.whatsapp),
            ('viber', records.viber),
            ('skype', records.skype),
            ('facebook', records.facebook),
            ('instagram', records.instagram),
            ('vk', records.vk)
        ) as cells (channel, raw_value)
    where cells.raw_value is not null

    union all

    select
        planfix_id,
        channel,
        value_text as raw_value,
        'custom_field' as source,
        custom_field_id::int as source_position
    from custom_values

),

single_accounts as (

    select
        accounts.planfix_id,
        accounts.channel,
        btrim(pieces.piece) as raw_value,
        'other' as label,
        accounts.source,
        accounts.source_position
    from accounts
    cross join
        lateral regexp_split_to_table(accounts.raw_value, '[;,|\r\n\t]+')
            as pieces (piece)
    where btrim(pieces.piece) != ''

),

corrections as (

    select
        planfix_id,
        channel,
        corrected_value as raw_value,
        'other' as label,
        'decision' as source,
        0 as source_position
    from decisions
    where {{ trimmed('corrected_value') }} is not null

),

cells as (

    select * from api_phones
    union all
    select * from api_emails
    union all
    select * from csv_cells
    union all
    select * from single_accounts
    union all
    select * from corrections

),

final as (

    select
        cells.planfix_id,
        cells.channel,
        cells.raw_value,
        cells.label,
        cells.source,
        cells.source_position,
        contacts.region_code
    from cells
    inner join contacts
        on cells.planfix_id = contacts.planfix_id

)

select * from final
