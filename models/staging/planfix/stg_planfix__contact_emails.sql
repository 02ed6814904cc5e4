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
        planfix_id,
        0 as email_position,
        email
    from source

    union all

    select
        source.planfix_id,
        additional.email_position::int as email_position,
        additional.email
    from source
    cross join lateral jsonb_array_elements_text(source.additional_emails)
        with ordinality as additional (email, email_position)

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
