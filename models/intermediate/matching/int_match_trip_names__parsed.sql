with

trip_tokens as (

    select * from {{ ref('int_trip_names__tokens') }}

),

tokens as (

    select
        trip_key as named_key,
        token_position,
        token,
        name_part
    from trip_tokens

),

stated as (

    select distinct
        named_key,
        null::text as stated_sex
    from tokens

),

{{ parsed_names('tokens', 'stated') }},

final as (

    select
        named_key as trip_key,
        word_shape,
        full_name_key,
        name_id
    from parsed

)

select * from final
