with

trips as (

    select * from {{ ref('int_trips__collected') }}

),

contacts as (

    select
        planfix_id,
        company_name
    from {{ ref('int_contacts__normalized') }}

),

final as (

    select
        trips.trip_key,
        trips.source,
        trips.counterparty_planfix_id,
        trips.passenger_name,
        -- the first of a cell that is valid
        jsonb_path_query_first(
            phones.parts, '$[*] ? (@.valid == true).e164'
        ) #>> '{}' as phone_e164,
        jsonb_path_query_first(
            emails.parts, '$[*] ? (@.valid == true).match_key'
        ) #>> '{}' as email_match_key,
        -- a task is about its counterparty: the company itself, or the person's
        -- employer
        coalesce(trips.company_name, contacts.company_name) as company_name,
        trips.pickup_at,
        trips.from_place,
        trips.to_place
    from trips
    {{ python_function_answers(
        'parse_phone',
        ['trips.phone_text', "'" ~ setting('default_region') ~ "'"],
        'phones (parts)'
    ) }}
    {{ python_function_answers(
        'parse_email', ['trips.email_text'], 'emails (parts)'
    ) }}
    left outer join contacts
        on trips.counterparty_planfix_id = contacts.planfix_id

)

select * from final
