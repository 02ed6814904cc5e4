-- A passenger's name is read once, however many trips show it.

with

trips as (

    select * from {{ ref('int_trips__combined') }}

),

trip_tokens as (

    select * from {{ ref('int_trip_names__tokens') }}

),

passengers as (

    select
        passenger_name,
        min(trip_key) as first_trip_key
    from trips
    group by passenger_name

),

tokens as (

    select
        trip_tokens.trip_key as named_key,
        trip_tokens.token_position,
        trip_tokens.token,
        trip_tokens.name_part
    from trip_tokens
    inner join passengers
        on trip_tokens.trip_key = passengers.first_trip_key

),

{{ parsed_names('tokens') }},

final as (

    select
        trips.trip_key,
        parsed.word_shape,
        parsed.full_name_key,
        parsed.name_id
    from parsed
    inner join passengers
        on parsed.named_key = passengers.first_trip_key
    inner join trips
        on passengers.passenger_name = trips.passenger_name

)

select * from final
