-- API and export meet by contact number. What the API gave was true when it was fetched, what a
-- file says was true when the file was written: of each value the newer one counts, and an empty
-- one never replaces one that is there (a file may simply lack the column).
-- Two halves (records the API has, records it lacks) instead of a full join, which PostgreSQL 15
-- cannot run on several cores.

{% set api_columns = {
    'template_id': 'bigint', 'group_id': 'bigint', 'name': 'text', 'midname': 'text',
    'lastname': 'text', 'gender': 'text', 'description': 'text', 'address': 'text',
    'site': 'text', 'position': 'text', 'group_name': 'text', 'language_code': 'text',
    'timezone': 'text', 'supervisor_users': 'jsonb', 'added_by_id': 'bigint',
    'added_by_name': 'text', 'is_company': 'boolean', 'is_deleted': 'boolean',
    'birth_date_text': 'text', 'birth_date': 'date', 'created_at': 'timestamptz',
    'updated_at': 'timestamptz', 'fetched_at': 'timestamptz', 'raw_load_id': 'text',
} %}
{% set csv_columns = [
    'name', 'given_name', 'middle_name', 'family_name', 'gender_or_type', 'description',
    'address', 'website', 'position', 'group_name', 'language', 'timezone', 'supervisors',
    'added_by', 'birth_date', 'created_at', 'updated_at', 'city', 'country',
    'registration_number', 'entity', 'contacts', 'observed_at', 'raw_load_id', 'file_sha256',
    'line_number',
] %}

with

api as (

    select * from {{ ref('stg_planfix__contacts') }}

),

csv as (

    select * from {{ ref('int_contacts__csv_merged') }}

),

details as (

    select * from {{ ref('stg_planfix__contact_details') }}

),

contact_groups as (

    select * from {{ ref('stg_planfix__contact_groups') }}

),

custom_values as (

    select * from {{ ref('int_contact_custom_values__mapped') }}

),

users as (

    select * from {{ ref('stg_planfix__users') }}

),

-- an employee named in a file is one of the account's only when no other bears the name
users_by_name as (

    select
        lower(user_name) as user_key,
        min(planfix_user_id) as planfix_user_id
    from users
    group by lower(user_name)
    having count(*) = 1

),

custom_scalars as (

    select
        planfix_id,
        {% for target in [
            'language', 'country', 'city', 'timezone', 'birth_date', 'registration_number',
            'company_name',
        ] -%}
            min(value_text) filter (where target = '{{ target }}') as {{ target }}
            {{- ',' if not loop.last }}
        {% endfor -%}
    from custom_values
    where target in (
        'language', 'country', 'city', 'timezone', 'birth_date', 'registration_number',
        'company_name'
    )
    group by planfix_id

),

paired as (

    select
        api.planfix_id,
        true as has_api,
        csv.planfix_id is not null as has_csv,
        {% for column in api_columns -%}
            api.{{ column }} as api_{{ column }},
        {% endfor -%}
        {% for column in csv_columns -%}
            csv.{{ column }} as csv_{{ column }}{{ ',' if not loop.last }}
        {% endfor -%}
    from api
    left join csv
        on api.planfix_id = csv.planfix_id

    union all

    select
        csv.planfix_id,
        false as has_api,
        true as has_csv,
        {% for column, type in api_columns.items() -%}
            null::{{ type }} as api_{{ column }},
        {% endfor -%}
        {% for column in csv_columns -%}
            csv.{{ column }} as csv_{{ column }}{{ ',' if not loop.last }}
        {% endfor -%}
    from csv
    where not exists (
        select from {{ source('planfix_raw', 'contacts') }} as contacts
        where
            csv.planfix_id = contacts.id
            and contacts.{{ finished_loads('planfix_raw') }}
    )

),

judged as (

    select
        paired.*,
        has_csv and (
            not has_api
            or csv_observed_at > greatest(api_fetched_at, api_updated_at)
        ) as csv_is_newer,
        concat_ws(' ', api_name, api_midname, api_lastname) as api_full_name,
        coalesce(
            csv_name,
            nullif(concat_ws(' ', csv_given_name, csv_middle_name, csv_family_name), '')
        ) as csv_full_name
    from paired

),

final as (

    select
        -- ids
        judged.planfix_id,
        judged.api_template_id as template_id,
        judged.api_group_id as group_id,

        -- what it is
        case
            when coalesce(judged.api_is_company, judged.csv_entity = 'company') then 'company'
            when judged.has_api or judged.csv_entity = 'contact' then 'person'
            -- a file of both kinds: only a company lists its people
            when judged.csv_contacts is not null then 'company'
            else 'person'
        end as kind,
        judged.has_api,
        judged.has_csv,
        judged.csv_is_newer,

        -- names; the parts are the source's own, a one-cell name is split further down
        case
            when judged.csv_is_newer
                then coalesce(judged.csv_full_name, nullif(judged.api_full_name, ''))
            else coalesce(nullif(judged.api_full_name, ''), judged.csv_full_name)
        end as full_name_text,
        judged.api_name,
        judged.api_midname,
        judged.api_lastname,
        judged.csv_name,
        judged.csv_given_name,
        judged.csv_middle_name,
        judged.csv_family_name,

        -- text
        {{ newer_value('position') }} as position,
        case
            when judged.csv_is_newer then coalesce(judged.csv_website, judged.api_site)
            else coalesce(judged.api_site, judged.csv_website)
        end as website,
        {{ newer_value('address') }} as address,
        {{ newer_value('description') }} as description,
        coalesce(custom_scalars.city, judged.csv_city) as city,
        coalesce(custom_scalars.country, judged.csv_country) as country_text,
        coalesce(custom_scalars.language, judged.csv_language) as language_text,
        coalesce(details.language_code, judged.api_language_code) as language_code,
        coalesce(
            custom_scalars.timezone,
            details.timezone,
            judged.api_timezone,
            judged.csv_timezone
        ) as timezone_text,
        case
            when judged.csv_is_newer
                then coalesce(judged.csv_birth_date, judged.api_birth_date_text)
            else coalesce(judged.api_birth_date_text, judged.csv_birth_date)
        end as birth_date_text,
        custom_scalars.birth_date as custom_birth_date_text,
        case
            when judged.csv_is_newer
                then coalesce(
                    judged.csv_gender_or_type, nullif(judged.api_gender, 'NotDefined')
                )
            else coalesce(
                nullif(judged.api_gender, 'NotDefined'), judged.csv_gender_or_type
            )
        end as gender_text,
        case
            when judged.csv_is_newer
                then coalesce(
                    judged.csv_group_name, judged.api_group_name, contact_groups.group_name
                )
            else coalesce(
                judged.api_group_name, contact_groups.group_name, judged.csv_group_name
            )
        end as group_name,
        coalesce(custom_scalars.registration_number, judged.csv_registration_number)
            as registration_number,
        custom_scalars.company_name as custom_company_name,

        -- who looks after it: the responsible employee, else who added it
        case
            when judged.csv_is_newer
                then coalesce(csv_owners.planfix_user_id, api_owners.planfix_user_id)
            else coalesce(api_owners.planfix_user_id, csv_owners.planfix_user_id)
        end as planfix_owner_user_id,
        case
            when judged.csv_is_newer then coalesce(
                judged.csv_supervisors, judged.csv_added_by, api_owners.user_name
            )
            else coalesce(
                api_owners.user_name, judged.csv_supervisors, judged.csv_added_by
            )
        end as owner_name,

        -- times
        coalesce(judged.api_created_at, judged.csv_created_at) as source_created_at,
        greatest(judged.api_updated_at, judged.csv_updated_at) as source_updated_at,
        case
            when judged.csv_is_newer then judged.csv_observed_at
            else judged.api_fetched_at
        end as observed_at,
        judged.api_fetched_at,
        judged.csv_observed_at,
        coalesce(judged.api_is_deleted, false) as is_deleted_in_payload,

        -- trace
        case
            when judged.csv_is_newer then judged.csv_raw_load_id
            else judged.api_raw_load_id
        end as raw_load_id,
        case
            when judged.csv_is_newer then 'planfix_csv_raw.export_rows'
            else 'planfix_raw.contacts'
        end as raw_table,
        judged.csv_file_sha256 as source_file,
        judged.csv_line_number as source_line
    from judged
    left join custom_scalars
        on judged.planfix_id = custom_scalars.planfix_id
    left join details
        on judged.planfix_id = details.planfix_id
    left join contact_groups
        on judged.api_group_id = contact_groups.group_id
    left join users_by_name as csv_owners
        on
            lower(coalesce(judged.csv_supervisors, judged.csv_added_by))
            = csv_owners.user_key
    left join lateral (
        select
            coalesce(supervisor.planfix_user_id, judged.api_added_by_id)
                as planfix_user_id,
            case
                when supervisor.planfix_user_id is null then judged.api_added_by_name
                else supervisor.user_name
            end as user_name
        from (select judged.planfix_id) as one
        left join lateral (
            select
                {{ source_id("item ->> 'id'") }} as planfix_user_id,
                item ->> 'name' as user_name
            from jsonb_array_elements(judged.api_supervisor_users)
                with ordinality as items (item, item_position)
            where coalesce(item ->> 'id', '') not like 'contact:%'
            order by item_position
            limit 1
        ) as supervisor on true
    ) as api_owners on true

)

select * from final
