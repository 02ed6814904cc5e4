-- Names and phones are as typed by partners; the relation and its columns are named by
-- vars.

with

source as (

    {{ crm_relation('crm_orders') }}

),

final as (

    select
        -- ids
        {{ trimmed('order_id') }} as order_id,
        {{ trimmed('source') }} as order_source,
        {{ trimmed('external_key') }} as external_key,
        {{ trimmed('booking_id') }} as booking_id,
        {{ trimmed('order_number') }} as order_number,

        -- text
        {{ tidied('from_place') }} as from_place,
        {{ tidied('to_place') }} as to_place,
        {{ trimmed('status') }} as order_status,
        {{ tidied('counterparty_name') }} as counterparty_name,
        {{ tidied('customer_name') }} as customer_name,
        {{ trimmed('customer_email') }} as customer_email,
        {{ trimmed('customer_phone') }} as customer_phone,
        {{ trimmed('language') }} as language,

        -- times
        coalesce(
            {{ source_instant('pickup_at') }},
            {{ source_local_instant('pickup_at', setting('account_timezone')) }}
        ) as pickup_at
    from source

)

select * from final
