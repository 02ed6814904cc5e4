with

contacts as (

    select * from {{ ref('int_customer_contacts__merged') }}

),

final as (

    select
        id,
        customer_id,
        channel,
        value,
        extension,
        label,
        country_code::char(2) as country_code,
        is_primary
    from contacts

)

select * from final
