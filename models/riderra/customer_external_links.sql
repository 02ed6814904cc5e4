with

links as (

    select * from {{ ref('int_customer_links__merged') }}

),

final as (

    select
        id,
        customer_id,
        source_system,
        entity_type,
        external_id,
        url,
        match_rule,
        source_updated_at
    from links
    where is_held

)

select * from final
-- a batch of the publisher finds its rows side by side
order by customer_id
