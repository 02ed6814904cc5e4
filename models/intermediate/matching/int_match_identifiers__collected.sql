with

records as not materialized (

    select * from {{ ref('int_match_records__prepared') }}

),

contact_points as (

    select * from {{ ref('int_contact_points__normalized') }}

),

contacts as (

    select * from {{ ref('int_contacts__normalized') }}

),

attributed_trips as (

    select * from {{ ref('int_match_trips__attributed') }}

),

free_mail_domains as (

    select * from {{ ref('free_mail_domains') }}

),

void_values as (

    select * from {{ ref('void_values') }}

),

own_points as not materialized (

    select
        planfix_id,
        case
            when channel in ('phone', 'whatsapp', 'viber') and value like '+%'
                then 'phone'
            when channel = 'email' then 'email'
            else 'messenger'
        end as key_kind,
        case
            when channel in ('phone', 'whatsapp', 'viber') and value like '+%'
                then value
            when channel = 'email' then match_key
            else channel || ':' || match_key
        end as key_value,
        extension
    from contact_points

),

-- a number with an extension is one desk of a switchboard: a key of its own beside the
-- number
own_keys as (

    select
        planfix_id,
        key_kind,
        key_value,
        extension <> '' as has_extension,
        false as is_from_trip
    from own_points

    union all

    select
        planfix_id,
        key_kind,
        key_value || ';ext=' || extension as key_value,
        false as has_extension,
        false as is_from_trip
    from own_points
    where extension <> ''

),

-- the passenger's phone stands in for one that the card lacks; it is never published as
-- the card's
trip_keys as (

    select
        attributed_trips.planfix_id,
        trip_channels.key_kind,
        trip_channels.key_value,
        false as has_extension,
        true as is_from_trip
    from attributed_trips
    cross join
        lateral (
            values
            ('phone', attributed_trips.phone_e164),
            ('email', attributed_trips.email_match_key)
        ) as trip_channels (key_kind, key_value)
    where
        trip_channels.key_value is not null
        and attributed_trips.full_name_key is not null
        and attributed_trips.is_recent
        and not exists (
            select 1 from own_points
            where
                own_points.planfix_id = attributed_trips.planfix_id
                and own_points.key_kind = trip_channels.key_kind
        )

),

company_domains as (

    select
        records.planfix_id,
        regexp_replace(
            regexp_replace(lower(contacts.website), '^\s*([a-z]+://)?(www\d?\.)?', ''),
            '[/:?#,;\s].*$', ''
        ) as domain
    from records
    inner join contacts
        on records.planfix_id = contacts.planfix_id
    where
        records.kind = 'company'
        and contacts.website is not null

    union

    select
        records.planfix_id,
        split_part(own_points.key_value, '@', 2) as domain
    from records
    inner join own_points
        on records.planfix_id = own_points.planfix_id
    where
        records.kind = 'company'
        and own_points.key_kind = 'email'

),

domain_keys as (

    select
        company_domains.planfix_id,
        'domain' as key_kind,
        company_domains.domain as key_value,
        false as has_extension,
        false as is_from_trip
    from company_domains
    where
        company_domains.domain like '%_.__%'
        and not exists (
            select 1 from free_mail_domains
            where free_mail_domains.domain = company_domains.domain
        )
        and not exists (
            select 1 from void_values
            where
                void_values.value_kind = 'domain'
                and (
                    company_domains.domain = void_values.value
                    or company_domains.domain like '%.' || void_values.value
                )
        )

),

registration_keys as (

    select
        planfix_id,
        'registration_number' as key_kind,
        registration_number as key_value,
        false as has_extension,
        false as is_from_trip
    from records
    where registration_number is not null

),

every_key as (

    select * from own_keys

    union all

    select * from trip_keys

    union all

    select * from domain_keys

    union all

    select * from registration_keys

),

final as (

    select
        every_key.planfix_id,
        every_key.key_kind,
        every_key.key_value,
        records.kind,
        bool_or(every_key.has_extension) as has_extension,
        bool_and(every_key.is_from_trip) as is_from_trip
    from every_key
    inner join records
        on every_key.planfix_id = records.planfix_id
    where every_key.key_value <> ''
    group by
        every_key.planfix_id,
        every_key.key_kind,
        every_key.key_value,
        records.kind

)

select * from final
