with

notes as (

    select * from {{ ref('int_customer_notes__merged') }}

),

final as (

    select
        id,
        customer_id,
        body,
        is_truncated,
        author_user_id,
        author_name,
        noted_at,
        kind
    from notes

)

select * from final
-- a batch of the publisher finds its rows side by side
order by customer_id
