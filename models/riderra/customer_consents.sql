with

consents as (

    select * from {{ ref('int_customer_consents__merged') }}

),

final as (

    select
        id,
        customer_id,
        channel,
        purpose,
        status,
        source,
        evidence,
        captured_at
    from consents

)

select * from final
