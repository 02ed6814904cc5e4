with

tokens as (

    select * from {{ ref('int_name_tokens__collected') }}
    where owner_kind = 'company'

),

folded as (

    select * from {{ ref('int_name_tokens__folded') }}

),

final as (

    select
        tokens.owner_key as company_name,
        row_number() over (
            partition by tokens.owner_key
            order by tokens.part_position, tokens.word_position
        )::int as token_position,
        tokens.name_part,
        tokens.token,
        folded.skeleton
    from tokens
    inner join folded
        on tokens.token = folded.token

)

select * from final
