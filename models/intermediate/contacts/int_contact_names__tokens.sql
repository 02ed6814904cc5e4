with

tokens as (

    select * from {{ ref('int_contact_names__split') }}

),

folded as (

    select * from {{ ref('int_name_tokens__folded') }}

),

final as (

    select
        tokens.planfix_id,
        row_number() over (
            partition by tokens.planfix_id
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
