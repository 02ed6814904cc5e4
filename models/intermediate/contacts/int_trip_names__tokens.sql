with

tokens as (

    select * from {{ ref('int_trip_names__split') }}

),

folded as (

    select * from {{ ref('int_name_tokens__folded') }}

),

final as (

    select
        tokens.trip_key,
        row_number() over (
            partition by tokens.trip_key
            order by tokens.word_position
        )::int as token_position,
        'full' as name_part,
        tokens.token,
        folded.skeleton
    from tokens
    inner join folded
        on tokens.token = folded.token

)

select * from final
