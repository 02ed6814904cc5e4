-- A table, unlike the rest of the layer: two models read it, and a delta need not
-- unpack the addresses of all cards again.

{{
    config(
        materialized='table',
        post_hook="{{ analyze_table(this, 'table') }}"
    )
}}

with

source as (

    select
        id as planfix_id,
        payload ->> 'email' as email,
        {{ json_array("payload -> 'additionalEmailAddresses'") }} as additional_emails
    from {{ source('planfix_raw', 'contacts') }}
    where {{ finished_loads('planfix_raw') }}

),

addresses as (

    select
        source.planfix_id,
        listed.email_position,
        listed.email
    from source
    cross join lateral (
        select
            0 as email_position,
            source.email

        union all

        select
            additional.additional_position::int as email_position,
            additional.additional_email as email
        from
            jsonb_array_elements_text(source.additional_emails)
            with ordinality as additional (additional_email, additional_position)
    ) as listed

),

final as (

    select
        planfix_id,
        email_position,
        {{ trimmed('email') }} as email
    from addresses
    where {{ trimmed('email') }} is not null

)

select * from final
