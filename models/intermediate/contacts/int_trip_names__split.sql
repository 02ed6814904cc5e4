with

trips as (

    select * from {{ ref('int_trips__collected') }}

),

final as (

    select
        trips.trip_key,
        words.word_position::int as word_position,
        words.token
    from trips
    cross join lateral {{ split_name('trips.passenger_name') }}
    where
        trips.passenger_name is not null
        and words.token ~ '[[:alnum:]]'

)

select * from final
