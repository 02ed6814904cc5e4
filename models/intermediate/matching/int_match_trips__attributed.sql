-- Whose trips are these: the counterparty's when the passenger bears its name (or none
-- is given), else the card's that shows the passenger's phone or mail, or works for the
-- trip's company, under the passenger's name.

with

trips as (

    select * from {{ ref('int_trips__combined') }}

),

trip_names as (

    select * from {{ ref('int_match_trip_names__parsed') }}

),

records as not materialized (

    select * from {{ ref('int_match_records__prepared') }}

),

contacts as (

    select * from {{ ref('int_contacts__normalized') }}

),

contact_points as not materialized (

    select * from {{ ref('int_contact_points__normalized') }}

),

employers as not materialized (

    select * from {{ ref('int_match_employers__stated') }}

),

employer_names as (

    select * from {{ ref('int_match_employer_names__parsed') }}

),

frequencies as (

    select * from {{ ref('int_match_names__counted') }}
    where kind = 'person'

),

-- "recent" is counted from the youngest sign of life in the data, not from today's
-- date: the same input has to give the same clusters tomorrow
latest as (

    select coalesce(max(source_updated_at), max(source_created_at)) as latest_at
    from contacts

),

named_trips as (

    select
        trips.trip_key,
        trips.counterparty_planfix_id,
        trips.phone_e164,
        trips.email_match_key,
        trips.company_name,
        trips.pickup_at,
        trip_names.full_name_key,
        trip_names.name_id is not null as has_passenger,
        trips.pickup_at >= latest.latest_at
        - make_interval(days => {{ setting('trip_window_days') }}) as is_recent
    from trips
    cross join latest
    left outer join trip_names
        on trips.trip_key = trip_names.trip_key

),

by_counterparty as (

    select
        named_trips.trip_key,
        records.planfix_id
    from named_trips
    inner join records
        on named_trips.counterparty_planfix_id = records.planfix_id
    where
        records.kind = 'person'
        and (
            not named_trips.has_passenger
            or named_trips.full_name_key = records.full_name_key
        )

),

by_contact as (

    select
        named_trips.trip_key,
        records.planfix_id
    from named_trips
    inner join contact_points
        on
            contact_points.channel = 'phone'
            and named_trips.phone_e164 = contact_points.value
    inner join records
        on
            contact_points.planfix_id = records.planfix_id
            and named_trips.full_name_key = records.full_name_key

    union

    select
        named_trips.trip_key,
        records.planfix_id
    from named_trips
    inner join contact_points
        on
            contact_points.channel = 'email'
            and named_trips.email_match_key = contact_points.match_key
    inner join records
        on
            contact_points.planfix_id = records.planfix_id
            and named_trips.full_name_key = records.full_name_key

),

-- only where hardly a second one of that name works there
by_employer as (

    select
        named_trips.trip_key,
        employers.planfix_id
    from named_trips
    inner join employer_names
        on named_trips.company_name = employer_names.company_name
    inner join employers
        on
            named_trips.full_name_key = employers.full_name_key
            and 'name:' || employer_names.company_key = employers.employer_key
    inner join frequencies
        on named_trips.full_name_key = frequencies.full_name_key
    where
        employers.employee_count * frequencies.share_of_others
        <= {{ setting('coincidence_limit') }}

),

attributed as (

    select * from by_counterparty

    union

    select * from by_contact

    union

    select * from by_employer

),

final as (

    select
        attributed.trip_key,
        attributed.planfix_id,
        named_trips.full_name_key,
        named_trips.phone_e164,
        named_trips.email_match_key,
        named_trips.pickup_at,
        coalesce(named_trips.is_recent, false) as is_recent
    from attributed
    inner join named_trips
        on attributed.trip_key = named_trips.trip_key

)

select * from final
