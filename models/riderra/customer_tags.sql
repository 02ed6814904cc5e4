with

tags as (

    select * from {{ ref('int_customer_tags__merged') }}

),

final as (

    select
        customer_id,
        tag,
        kind
    from tags

)

select * from final
