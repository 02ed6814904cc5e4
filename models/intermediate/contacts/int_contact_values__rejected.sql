-- Values other than points of contact that did not become what their field means, with
-- the reason: the record goes on without the value, a person sees it in quarantine.

with

contacts as not materialized (

    select * from {{ ref('int_contacts__normalized') }}

),

merged as not materialized (

    select * from {{ ref('int_contacts__merged') }}

),

trips as (

    select * from {{ ref('int_trips__collected') }}

),

custom_values as (

    select * from {{ ref('int_contact_custom_values__mapped') }}
    where target in ('consent', 'consent_opt_out')

),

statuses as (

    select lower({{ tidied('raw_value') }}) as value_key
    from {{ ref('consent_values') }}

),

-- what became a value is told by the column itself, so that only the few others are
-- looked at
contact_values as (

    select
        planfix_id,
        'birth_date' as field,
        birth_date_text as raw_value,
        raw_table as source
    from contacts
    where
        birth_date_text is not null
        and birth_date is null

    union all

    select
        merged.planfix_id,
        'birth_date' as field,
        merged.custom_birth_date_text as raw_value,
        'custom_field' as source
    from merged
    inner join contacts
        on merged.planfix_id = contacts.planfix_id
    where
        merged.custom_birth_date_text is not null
        and contacts.birth_date is null

    union all

    select
        planfix_id,
        'country' as field,
        country_text as raw_value,
        raw_table as source
    from contacts
    where
        country_text is not null
        and country_code is null

    union all

    select
        planfix_id,
        'language' as field,
        language_text as raw_value,
        raw_table as source
    from contacts
    where
        language_text is not null
        and language is null

    union all

    select
        planfix_id,
        'timezone' as field,
        timezone_text as raw_value,
        raw_table as source
    from contacts
    where
        timezone_text is not null
        and timezone is null

),

other_values as (

    select
        planfix_id,
        field,
        raw_value,
        case
            when field != 'birth_date' then 'unknown_' || field
            when {{ source_day('raw_value') }} is null then 'broken_date'
            else 'implausible_date'
        end as reason_code,
        source
    from contact_values

    union all

    select
        merged.planfix_id,
        broken.field,
        broken.raw_value,
        'broken_date' as reason_code,
        broken.source
    from merged
    cross join
        lateral (
            values
            ('created_at', merged.broken_api_created_at, 'planfix_raw.contacts'),
            ('updated_at', merged.broken_api_updated_at, 'planfix_raw.contacts'),
            ('created_at', merged.broken_csv_created_at, 'planfix_csv_raw.export_rows'),
            ('updated_at', merged.broken_csv_updated_at, 'planfix_csv_raw.export_rows')
        ) as broken (field, raw_value, source)
    where
        broken.raw_value is not null
        and coalesce(
            merged.broken_api_created_at,
            merged.broken_api_updated_at,
            merged.broken_csv_created_at,
            merged.broken_csv_updated_at
        ) is not null

    union all

    select
        custom_values.planfix_id,
        'consent' as field,
        custom_values.value_text as raw_value,
        'unknown_consent_value' as reason_code,
        'custom_field ' || custom_values.custom_field_id as source
    from custom_values
    where
        lower(custom_values.value_text) not in ('true', 'false')
        and not exists (
            select from statuses
            where lower({{ tidied('custom_values.value_text') }}) = statuses.value_key
        )

    union all

    select
        trips.counterparty_planfix_id as planfix_id,
        'pickup_at' as field,
        trips.pickup_at_text as raw_value,
        'broken_date' as reason_code,
        trips.trip_key as source
    from trips
    where
        trips.pickup_at_text is not null
        and trips.pickup_at is null
        and trips.counterparty_planfix_id is not null

),

final as (

    select distinct on (value_key)
        planfix_id || ':' || field || ':' || left(
            md5(source || '|' || raw_value), 16
        ) as value_key,
        planfix_id,
        field,
        raw_value,
        reason_code,
        source
    from other_values
    order by value_key, reason_code

)

select * from final
