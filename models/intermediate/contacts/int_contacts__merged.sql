-- API and export meet by contact number. What the API gave was true when it was
-- fetched, what a file says was true when the file was written: of each value the newer
-- one counts, and an empty one never replaces one that is there (a file may simply lack
-- the column). Two halves (records the API has, records it lacks) instead of a full
-- join, which PostgreSQL 15 cannot run on several cores.

{% set api_columns = {
    'template_id': 'bigint', 'group_id': 'bigint', 'name': 'text', 'midname': 'text',
    'lastname': 'text', 'gender': 'text', 'description': 'text', 'address': 'text',
    'site': 'text', 'position': 'text', 'group_name': 'text', 'language_code': 'text',
    'timezone': 'text', 'supervisor_users': 'jsonb', 'added_by_id': 'bigint',
    'added_by_name': 'text', 'is_company': 'boolean', 'is_deleted': 'boolean',
    'birth_date_text': 'text', 'birth_date': 'date', 'created_at': 'timestamptz',
    'updated_at': 'timestamptz', 'fetched_at': 'timestamptz', 'raw_load_id': 'text',
    'created_at_text': 'text', 'updated_at_text': 'text', 'custom_fields': 'jsonb',
} %}
{% set csv_columns = [
    'name', 'given_name', 'middle_name', 'family_name', 'gender_or_type', 'description',
    'address', 'website', 'position', 'group_name', 'language', 'timezone', 'supervisors',
    'added_by', 'birth_date', 'created_at', 'updated_at', 'city', 'country',
    'registration_number', 'entity', 'contacts', 'observed_at', 'raw_load_id', 'file_sha256',
    'line_number', 'created_at_text', 'updated_at_text', 'custom_fields',
] %}
{% set targets = [
    'language', 'country', 'city', 'timezone', 'birth_date', 'registration_number',
    'company_name',
] %}

with

api as (

    select * from {{ ref('stg_planfix__contacts') }}

),

-- read by both halves: see int_contact_points__parsed
csv as not materialized (

    select * from {{ ref('int_contacts__csv_merged') }}

),

details as (

    select * from {{ ref('stg_planfix__contact_details') }}

),

contact_groups as (

    select * from {{ ref('stg_planfix__contact_groups') }}

),

mapping as (

    select
        custom_field_id,
        lower({{ trimmed('target') }}) as target
    from {{ ref('custom_field_mapping') }}
    where object_type = 'contact'

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

field_keys as (

    select
        {% for target in targets %}
            coalesce(
                array_agg(custom_field_id::text order by custom_field_id)
                filter (where target = '{{ target }}'),
                '{}'
            ) as {{ target }}_keys,
        {% endfor %}
        count(*) as field_count
    from mapping

),

paired as (

    select
        api.planfix_id,
        true as has_api,
        {% for column in api_columns %}
            api.{{ column }} as api_{{ column }},
        {% endfor %}
        {% for column in csv_columns %}
            csv.{{ column }} as csv_{{ column }},
        {% endfor %}
        csv.planfix_id is not null as has_csv
    from api
    left outer join csv
        on api.planfix_id = csv.planfix_id

    union all

    select
        csv.planfix_id,
        false as has_api,
        {% for column, type in api_columns.items() %}
            null::{{ type }} as api_{{ column }},
        {% endfor %}
        {% for column in csv_columns %}
            csv.{{ column }} as csv_{{ column }},
        {% endfor %}
        true as has_csv
    from csv
    where not exists (
        select from {{ source('planfix_raw', 'contacts') }} as contacts
        where
            csv.planfix_id = contacts.id
            and contacts.{{ finished_loads('planfix_raw') }}
    )

),

-- the first of the responsible people is an employee nearly always; a list may hold
-- contacts
owned as (

    select
        paired.*,
        case
            when paired.api_supervisor_users -> 0 ->> 'id' not like 'contact:%'
                then paired.api_supervisor_users -> 0
            when paired.api_supervisor_users != '[]' then (
                select items.item
                from
                    jsonb_array_elements(paired.api_supervisor_users)
                    with ordinality as items (item, item_position)
                where items.item ->> 'id' not like 'contact:%'
                order by items.item_position
                limit 1
            )
        end as api_owner
    from paired

),

judged as (

    select
        *,
        has_csv and (
            not has_api
            or csv_observed_at > greatest(api_fetched_at, api_updated_at)
        ) as csv_is_newer,
        concat_ws(' ', api_name, api_midname, api_lastname) as api_full_name,
        coalesce({{ source_id("api_owner ->> 'id'") }}, api_added_by_id)
            as api_owner_id,
        coalesce(api_owner ->> 'name', api_added_by_name) as api_owner_name,
        coalesce(
            csv_name,
            nullif(concat_ws(' ', csv_given_name, csv_middle_name, csv_family_name), '')
        ) as csv_full_name
    from owned
    -- a fence: without it every use of csv_is_newer and its like would be worked out
    -- anew. Other than a materialised CTE, or 0, null leaves the scan to all cores
    offset null  -- noqa: AM09

),

cards as (

    select
        judged.*,
        details.language_code as details_language_code,
        details.timezone as details_timezone,
        contact_groups.group_name as listed_group_name,
        csv_owners.planfix_user_id as csv_owner_id,
        -- a file shows the name in one cell; as long as it has the API's words, the
        -- API's parts hold. Equal texts, by far the most, are told without taking them
        -- apart
        judged.api_lastname is not null
        and (
            not judged.csv_is_newer
            or judged.csv_name is null
            or judged.csv_name = judged.api_full_name
            or {{ name_words('judged.csv_name') }}
            = {{ name_words('judged.api_full_name') }}
        ) as has_api_parts,
        {% for target in targets %}
            {% set keys = 'field_keys.' ~ target ~ '_keys' %}
            {{ mapped_field_text('judged.api_custom_fields', keys) }}
                as api_custom_{{ target }},
            {{ mapped_field_text('judged.csv_custom_fields', keys, true) }}
                as csv_custom_{{ target }},
        {% endfor %}
        judged.csv_family_name is not null as has_csv_parts
    from judged
    cross join field_keys
    left outer join details
        on judged.planfix_id = details.planfix_id
    left outer join contact_groups
        on judged.api_group_id = contact_groups.group_id
    left outer join users_by_name as csv_owners
        on
            lower(btrim(split_part(
                coalesce(judged.csv_supervisors, judged.csv_added_by), ',', 1
            ))) = csv_owners.user_key
    offset null  -- noqa: AM09

),

final as (

    select
        -- ids
        planfix_id,
        api_template_id as template_id,
        api_group_id as group_id,

        -- what it is
        case
            when coalesce(api_is_company, csv_entity = 'company') then 'company'
            when has_api or csv_entity = 'contact' then 'person'
            -- a file of both kinds: only a company lists its people
            when csv_contacts is not null then 'company'
            else 'person'
        end as kind,
        has_api,
        has_csv,
        csv_is_newer,

        -- names; the parts are the source's own, a one-cell name is split further down
        case
            when csv_is_newer
                then coalesce(csv_full_name, nullif(api_full_name, ''))
            else coalesce(nullif(api_full_name, ''), csv_full_name)
        end as full_name_text,
        has_api_parts or has_csv_parts as is_structured,
        case
            when has_api_parts then api_name
            when has_csv_parts then csv_given_name
        end as given_name,
        case
            when has_api_parts then api_midname
            when has_csv_parts then csv_middle_name
        end as middle_name,
        case
            when has_api_parts then api_lastname
            when has_csv_parts then csv_family_name
        end as family_name,

        -- text
        {{ newer_value('position') }} as position,
        case
            when csv_is_newer then coalesce(csv_website, api_site)
            else coalesce(api_site, csv_website)
        end as website,
        {{ newer_value('address') }} as address,
        {{ newer_value('description') }} as description,
        coalesce({{ tidied(newer_value('custom_city')) }}, csv_city) as city,
        coalesce({{ tidied(newer_value('custom_country')) }}, csv_country)
            as country_text,
        coalesce({{ tidied(newer_value('custom_language')) }}, csv_language)
            as language_text,
        coalesce(details_language_code, api_language_code) as language_code,
        coalesce(
            {{ tidied(newer_value('custom_timezone')) }},
            details_timezone,
            api_timezone,
            csv_timezone
        ) as timezone_text,
        case
            when csv_is_newer
                then coalesce(csv_birth_date, api_birth_date_text)
            else coalesce(api_birth_date_text, csv_birth_date)
        end as birth_date_text,
        {{ tidied(newer_value('custom_birth_date')) }} as custom_birth_date_text,
        case
            when csv_is_newer
                then coalesce(
                    csv_gender_or_type, nullif(api_gender, 'NotDefined')
                )
            else coalesce(
                nullif(api_gender, 'NotDefined'), csv_gender_or_type
            )
        end as gender_text,
        case
            when csv_is_newer
                then coalesce(
                    csv_group_name, api_group_name, listed_group_name
                )
            else coalesce(
                api_group_name, listed_group_name, csv_group_name
            )
        end as group_name,
        coalesce(
            {{ tidied(newer_value('custom_registration_number')) }},
            csv_registration_number
        ) as registration_number,
        {{ tidied(newer_value('custom_company_name')) }} as custom_company_name,

        -- who looks after it: the responsible employee, else who added it
        case
            when csv_is_newer
                then coalesce(csv_owner_id, api_owner_id)
            else coalesce(api_owner_id, csv_owner_id)
        end as planfix_owner_user_id,
        case
            when csv_is_newer
                then coalesce(
                    csv_supervisors, csv_added_by, api_owner_name
                )
            else coalesce(
                api_owner_name, csv_supervisors, csv_added_by
            )
        end as owner_name,

        -- times
        coalesce(api_created_at, csv_created_at) as source_created_at,
        greatest(api_updated_at, csv_updated_at) as source_updated_at,
        case
            when csv_is_newer then csv_observed_at
            else api_fetched_at
        end as observed_at,
        api_fetched_at,
        csv_observed_at,
        coalesce(api_is_deleted, false) as is_deleted_in_payload,

        -- times that are none, for the list of rejected values
        case
            when api_created_at is null then api_created_at_text
        end as broken_api_created_at,
        case
            when api_updated_at is null then api_updated_at_text
        end as broken_api_updated_at,
        case
            when csv_created_at is null then csv_created_at_text
        end as broken_csv_created_at,
        case
            when csv_updated_at is null then csv_updated_at_text
        end as broken_csv_updated_at,

        -- trace
        case
            when csv_is_newer then csv_raw_load_id
            else api_raw_load_id
        end as raw_load_id,
        case
            when csv_is_newer then 'planfix_csv_raw.export_rows'
            else 'planfix_raw.contacts'
        end as raw_table,
        csv_file_sha256 as source_file,
        csv_line_number as source_line
    from cards

)

select * from final
