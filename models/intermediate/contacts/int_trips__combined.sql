with

trips as not materialized (

    select * from {{ ref('int_trips__collected') }}

),

contacts as (

    select
        planfix_id,
        company_name
    from {{ ref('int_contacts__normalized') }}

),

phones as (

    select distinct on (trips.trip_key)
        trips.trip_key,
        parsed.part ->> 'e164' as phone_e164
    from trips
    {{ python_function_answers(
        'parse_phone',
        ['trips.phone_text', "'" ~ setting('default_region') ~ "'"],
        'answers (parts)'
    ) }}
    cross join
        lateral jsonb_array_elements(answers.parts)
        with ordinality as parsed (part, part_position)
    where (parsed.part ->> 'valid')::boolean
    order by trips.trip_key, parsed.part_position

),

emails as (

    select distinct on (trips.trip_key)
        trips.trip_key,
        parsed.part ->> 'match_key' as email_match_key
    from trips
    {{ python_function_answers(
        'parse_email', ['trips.email_text'], 'answers (parts)'
    ) }}
    cross join
        lateral jsonb_array_elements(answers.parts)
        with ordinality as parsed (part, part_position)
    where (parsed.part ->> 'valid')::boolean
    order by trips.trip_key, parsed.part_position

),

final as (

    select
        trips.trip_key,
        trips.source,
        trips.counterparty_planfix_id,
        trips.passenger_name,
        phones.phone_e164,
        emails.email_match_key,
        -- a task is about its counterparty: the company itself, or the person's
        -- employer
        coalesce(trips.company_name, contacts.company_name) as company_name,
        trips.pickup_at,
        trips.from_place,
        trips.to_place
    from trips
    left outer join phones
        on trips.trip_key = phones.trip_key
    left outer join emails
        on trips.trip_key = emails.trip_key
    left outer join contacts
        on trips.counterparty_planfix_id = contacts.planfix_id

)

select * from final
