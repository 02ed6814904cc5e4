-- Phones and addresses of the company's own employees: found on a client's card they
-- say who typed it, not who the client is, so matching must not link by them.

with

users as (

    select * from {{ ref('stg_planfix__users') }}

),

phones as (

    select distinct
        users.planfix_user_id,
        'phone' as channel,
        parsed.part ->> 'e164' as match_key
    from users
    cross join lateral jsonb_array_elements(users.phones) as items (item)
    cross join
        lateral jsonb_array_elements(
            {{ function('parse_phone') }}(
                items.item ->> 'number', '{{ setting('default_region') }}'
            )
        ) as parsed (part)
    where (parsed.part ->> 'valid')::boolean

),

emails as (

    select distinct
        users.planfix_user_id,
        'email' as channel,
        parsed.part ->> 'match_key' as match_key
    from users
    cross join
        lateral jsonb_array_elements(
            {{ function('parse_email') }}(users.email)
        ) as parsed (part)
    where (parsed.part ->> 'valid')::boolean

),

final as (

    select * from phones

    union all

    select * from emails

)

select * from final
