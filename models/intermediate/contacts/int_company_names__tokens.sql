with

tokens as (

    select * from {{ ref('int_company_names__split') }}

),

folded as (

    select * from {{ ref('int_name_tokens__folded') }}

),

final as (

    select
        tokens.company_name,
        row_number() over (
            partition by tokens.company_name
            order by tokens.word_position
        )::int as token_position,
        'company' as name_part,
        tokens.token,
        folded.skeleton
    from tokens
    inner join folded
        on tokens.token = folded.token

)

select * from final
