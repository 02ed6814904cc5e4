-- Values other than points of contact that did not become what their field means, with the
-- reason: the record goes on without the value, a person sees it in quarantine.

with

contacts as (

    select * from {{ ref('int_contacts__normalized') }}

),

merged as (

    select
        planfix_id,
        custom_birth_date_text
    from {{ ref('int_contacts__merged') }}
    where custom_birth_date_text is not null

),

api as (

    select
        planfix_id,
        created_at_text,
        created_at,
        updated_at_text,
        updated_at
    from {{ ref('stg_planfix__contacts') }}

),

records as (

    select * from {{ ref('int_contacts__csv_merged') }}

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

contact_values as (

    select
        contacts.planfix_id,
        checked.field,
        checked.raw_value,
        checked.reason_code,
        contacts.raw_table as source
    from contacts
    cross join lateral (
        values
        (
            'birth_date',
            contacts.birth_date_text,
            case
                when {{ source_day('contacts.birth_date_text') }} is null then 'broken_date'
                when {{ plausible_birth_date(source_day('contacts.birth_date_text')) }} is null
                    then 'implausible_date'
            end
        ),
        (
            'country',
            contacts.country_text,
            case when contacts.country_code is null then 'unknown_country' end
        ),
        (
            'language',
            contacts.language_text,
            case when contacts.language is null then 'unknown_language' end
        ),
        (
            'timezone',
            contacts.timezone_text,
            case when contacts.timezone is null then 'unknown_timezone' end
        )
    ) as checked (field, raw_value, reason_code)
    where
        checked.raw_value is not null
        and checked.reason_code is not null

),

other_values as (

    select
        planfix_id,
        'birth_date' as field,
        custom_birth_date_text as raw_value,
        case
            when {{ source_day('custom_birth_date_text') }} is null then 'broken_date'
            else 'implausible_date'
        end as reason_code,
        'custom_field' as source
    from merged
    where {{ plausible_birth_date(source_day('custom_birth_date_text')) }} is null

    union all

    select
        planfix_id,
        'created_at' as field,
        created_at_text as raw_value,
        'broken_date' as reason_code,
        'planfix_raw.contacts' as source
    from api
    where
        created_at_text is not null
        and created_at is null

    union all

    select
        planfix_id,
        'updated_at' as field,
        updated_at_text as raw_value,
        'broken_date' as reason_code,
        'planfix_raw.contacts' as source
    from api
    where
        updated_at_text is not null
        and updated_at is null

    union all

    select
        planfix_id,
        'created_at' as field,
        created_at_text as raw_value,
        'broken_date' as reason_code,
        'planfix_csv_raw.export_rows' as source
    from records
    where
        created_at_text is not null
        and created_at is null

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

every_value as (

    select * from contact_values

    union all

    select * from other_values

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
    from every_value
    order by value_key, reason_code

)

select * from final
