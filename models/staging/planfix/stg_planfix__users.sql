with

source as (

    select * from {{ source('planfix_raw', 'users') }}
    where {{ finished_loads('planfix_raw') }}

),

unpacked as (

    select
        source.id as planfix_user_id,
        source.fetched_at,
        source.run_id,
        source._dlt_load_id,
        employee.*
    from source
    cross join lateral jsonb_to_record(source.payload) as employee (
        "name" text,
        "midname" text,
        "lastname" text,
        "email" text,
        "secondaryEmails" jsonb,
        "login" text,
        "role" text,
        "status" text,
        "isDeleted" text,
        "timezone" text,
        "phones" jsonb
    )

),

final as (

    select
        -- ids
        planfix_user_id,

        -- text
        {{ tidied('"name"') }} as given_name,
        {{ tidied('"midname"') }} as middle_name,
        {{ tidied('"lastname"') }} as family_name,
        {{ tidied("concat_ws(' ', \"name\", \"lastname\")") }} as user_name,
        lower({{ trimmed('"email"') }}) as email,
        {{ json_array('"secondaryEmails"') }} as secondary_emails,
        {{ json_array('"phones"') }} as phones,
        {{ trimmed('"login"') }} as login,
        {{ trimmed('"role"') }} as user_role,
        {{ trimmed('"status"') }} as user_status,
        {{ trimmed('"timezone"') }} as timezone,

        -- booleans
        coalesce(lower("isDeleted") = 'true', false) as is_deleted,

        -- times and load
        fetched_at,
        run_id,
        _dlt_load_id as raw_load_id
    from unpacked

)

select * from final
