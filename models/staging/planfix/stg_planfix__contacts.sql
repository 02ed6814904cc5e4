-- One jsonb_to_record per contact: thirty `->>` on one payload would unpack it thirty
-- times. Everything is read as text or jsonb and cast behind a guard, because the
-- source stores values outside its own enums and shapes; a strange value must not stop
-- the build.

with

source as (

    select * from {{ source('planfix_raw', 'contacts') }}
    where {{ finished_loads('planfix_raw') }}

),

unpacked as (

    select
        source.id as planfix_id,
        source.is_company,
        source.custom_fields,
        source.fetched_at,
        source.run_id,
        source._dlt_load_id,
        contact.*
    from source
    cross join lateral jsonb_to_record(source.payload) as contact (
        "template" jsonb,
        "name" text,
        "midname" text,
        "lastname" text,
        "gender" text,
        "description" text,
        "address" text,
        "site" text,
        "email" text,
        "additionalEmailAddresses" jsonb,
        "skype" text,
        "telegramId" text,
        "telegram" text,
        "facebook" text,
        "instagram" text,
        "viberId" text,
        "vk" text,
        "position" text,
        "group" jsonb,
        "isCompany" text,
        "isDeleted" text,
        "birthDate" jsonb,
        "createdDate" jsonb,
        "dateOfLastUpdate" jsonb,
        "supervisors" jsonb,
        "addedBy" jsonb,
        "phones" jsonb,
        "companies" jsonb,
        "contacts" jsonb,
        "languageCode" text,
        "communicationLanguageCode" text,
        "timezone" text,
        "sourceObjectId" text
    )

),

times as (

    select
        unpacked.*,
        coalesce(
            unpacked."birthDate" ->> 'date', unpacked."birthDate" ->> 'datetime'
        ) as birth_date_text,
        coalesce(
            nullif(unpacked."createdDate" ->> 'dateTimeUtcSeconds', ''),
            unpacked."createdDate" ->> 'datetime'
        ) as created_at_text,
        coalesce(
            nullif(unpacked."dateOfLastUpdate" ->> 'dateTimeUtcSeconds', ''),
            unpacked."dateOfLastUpdate" ->> 'datetime'
        ) as updated_at_text
    from unpacked
    -- a fence: without it every use of a text below would be worked out anew. Null and
    -- not 0, by which PostgreSQL would leave the query on one core
    offset null  -- noqa: AM09

),

final as (

    select
        -- ids
        planfix_id,
        {{ source_id("\"template\" ->> 'id'") }} as template_id,
        {{ source_id("\"group\" ->> 'id'") }} as group_id,
        {{ trimmed('"sourceObjectId"') }} as source_object_id,

        -- text
        {{ tidied('"name"') }} as name,
        {{ tidied('"midname"') }} as midname,
        {{ tidied('"lastname"') }} as lastname,
        {{ trimmed('"gender"') }} as gender,
        {{ trimmed('"description"') }} as description,
        {{ tidied('"address"') }} as address,
        {{ trimmed('"site"') }} as site,
        {{ tidied('"position"') }} as position,
        {{ tidied("\"group\" ->> 'name'") }} as group_name,
        coalesce(
            {{ trimmed('"communicationLanguageCode"') }},
            {{ trimmed('"languageCode"') }}
        ) as language_code,
        {{ trimmed('"timezone"') }} as timezone,

        -- points of contact
        {{ trimmed('"email"') }} as email,
        {{ json_array('"additionalEmailAddresses"') }} as additional_emails,
        {{ json_array('"phones"') }} as phones,
        {{ trimmed('"telegram"') }} as telegram,
        {{ trimmed('"telegramId"') }} as telegram_id,
        {{ trimmed('"skype"') }} as skype,
        {{ trimmed('"facebook"') }} as facebook,
        {{ trimmed('"instagram"') }} as instagram,
        {{ trimmed('"viberId"') }} as viber_id,
        {{ trimmed('"vk"') }} as vk,

        -- references
        {{ json_array('"companies"') }} as companies,
        {{ json_array('"contacts"') }} as contacts,
        {{ json_array("\"supervisors\" -> 'users'") }} as supervisor_users,
        {{ json_array("\"supervisors\" -> 'groups'") }} as supervisor_groups,
        {{ source_id("\"addedBy\" ->> 'id'") }} as added_by_id,
        {{ tidied("\"addedBy\" ->> 'name'") }} as added_by_name,
        custom_fields,

        -- booleans
        coalesce(is_company, lower("isCompany") = 'true', false) as is_company,
        coalesce(lower("isDeleted") = 'true', false) as is_deleted,

        -- times
        nullif(birth_date_text, '') as birth_date_text,
        {{ source_day('birth_date_text') }} as birth_date,
        nullif(created_at_text, '') as created_at_text,
        {{ source_instant('created_at_text') }} as created_at,
        nullif(updated_at_text, '') as updated_at_text,
        {{ source_instant('updated_at_text') }} as updated_at,
        fetched_at,

        -- load
        run_id,
        _dlt_load_id as raw_load_id
    from times

)

select * from final
