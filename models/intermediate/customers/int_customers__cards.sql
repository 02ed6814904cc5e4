-- What the rest asks of identity. int_identity__assigned also tells how a card came to
-- its customer, which is new after each run ("create", then "keep") though the
-- customer is the same; whatever reads this table is spared that.

with

identities as (

    select * from {{ ref('int_identity__assigned') }}

),

final as (

    select
        planfix_id,
        customer_id,
        match_rule
    from identities

)

select * from final
