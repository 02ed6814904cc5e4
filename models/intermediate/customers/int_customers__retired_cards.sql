-- Asked of identity and state apart from the rest for the same reason as
-- int_customers__cards: the state is new after each run, these rows hardly ever.

with

known_identities as (

    select * from {{ state_relation('customer_identity') }}

),

retired_customers as (

    select customer_id
    from {{ ref('int_identity__customers') }}
    where status = 'retired'

),

final as (

    select
        known_identities.planfix_id,
        known_identities.customer_id
    from known_identities
    inner join retired_customers
        on known_identities.customer_id = retired_customers.customer_id

)

select * from final
