with

tokens as (

    select distinct token
    from {{ ref('int_name_tokens__collected') }}

),

final as (

    select
        token,
        {{ function('name_skeleton') }}(token) as skeleton
    from tokens

)

select * from final
