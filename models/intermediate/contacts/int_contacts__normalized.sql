-- The record as the rest of the project sees it: codes instead of texts, the name in
-- parts where that is safe, the region for phones without a country code, and whether
-- it is in scope.

with

-- `not materialized`: a CTE that is read twice would be spooled once by one process,
-- and the scan behind it could not run on several cores
contacts as not materialized (

    select * from {{ ref('int_contacts__merged') }}

),

employers as not materialized (

    select * from {{ ref('int_contact_companies__resolved') }}
    where company_position = 1

),

regions as not materialized (

    select
        lower({{ tidied('raw_value') }}) as country_key,
        min(upper({{ trimmed('country_code') }})) as country_code
    from {{ ref('region_mapping') }}
    group by lower({{ tidied('raw_value') }})

),

-- a country may be written as its code; only codes that the mapping knows are believed
region_codes as not materialized (

    select distinct country_code
    from regions

),

languages as (

    select
        lower({{ tidied('raw_value') }}) as language_key,
        min({{ trimmed('language') }}) as language
    from {{ ref('language_mapping') }}
    group by lower({{ tidied('raw_value') }})

),

-- reading pg_timezone_names opens a file per zone: once per build, not once per record
timezones as (

    select
        lower(name) as timezone_key,
        min(name) as timezone
    from pg_timezone_names
    where
        name ~ '/'
        and name !~ '^(posix|right)/'
        or name = 'UTC'
    group by lower(name)

),

excluded as (

    select * from {{ ref('int_contacts__excluded') }}

),

name_parts as (

    select * from {{ ref('int_contact_names__parted') }}

),

final as (

    select
        -- ids
        contacts.planfix_id,
        case contacts.kind when 'company' then 'company' else 'contact' end
            as entity_type,
        contacts.kind,
        contacts.has_api,
        contacts.has_csv,
        contacts.csv_is_newer,

        -- names
        coalesce(
            case contacts.kind
                when 'company' then contacts.full_name_text
                else name_parts.display_name
            end,
            -- a card without any name: its number is the only thing to call it by
            'Planfix ' || contacts.planfix_id
        ) as display_name,
        {{ name_case('name_parts.given_name') }} as given_name,
        {{ name_case('name_parts.middle_name') }} as middle_name,
        {{ name_case('name_parts.family_name') }} as family_name,
        contacts.full_name_text,
        case contacts.kind
            when 'company' then contacts.full_name_text
            else employers.company_name
        end as company_name,
        employers.company_planfix_id as employer_planfix_id,

        -- text
        contacts.position,
        contacts.website,
        contacts.address,
        contacts.city,
        contacts.description,
        contacts.group_id,
        contacts.group_name,
        contacts.template_id,
        contacts.registration_number,
        contacts.country_text,
        contacts.language_text,
        contacts.timezone_text,
        contacts.birth_date_text,
        contacts.gender_text,

        -- codes
        coalesce(regions.country_code, region_codes.country_code) as country_code,
        coalesce(
            regions.country_code,
            region_codes.country_code,
            employer_regions.country_code,
            employer_region_codes.country_code,
            '{{ setting('default_region') }}'
        ) as region_code,
        coalesce(
            languages.language,
            case
                when contacts.language_code ~* '^[a-z]{2,3}(-[a-z0-9]{2,8})*$'
                    then
                        lower(split_part(contacts.language_code, '-', 1))
                        || coalesce(substring(contacts.language_code from '-.*'), '')
            end
        ) as language,
        timezones.timezone,
        case
            when contacts.kind = 'person' then
                case
                    when lower(contacts.gender_text) in (
                        'female', 'женский', 'женщина', 'жен', 'жен.', 'ж', 'f'
                    ) then 'female'
                    when lower(contacts.gender_text) in (
                        'male', 'мужской', 'мужчина', 'муж', 'муж.', 'м', 'm'
                    ) then 'male'
                end
        end as gender,

        -- who looks after it
        contacts.planfix_owner_user_id,
        contacts.owner_name,

        -- scope
        coalesce(excluded.is_deleted, false) as is_deleted,
        excluded.exclusion_reason,

        -- times
        coalesce(
            {{ plausible_birth_date(source_day('contacts.birth_date_text')) }},
            {{ plausible_birth_date(source_day('contacts.custom_birth_date_text')) }}
        ) as birth_date,
        contacts.source_created_at,
        contacts.source_updated_at,
        contacts.observed_at,

        -- trace
        contacts.raw_load_id,
        contacts.raw_table,
        contacts.source_file,
        contacts.source_line
    from contacts
    left outer join employers
        on contacts.planfix_id = employers.planfix_id
    left outer join regions as employer_regions
        on lower(employers.company_country_text) = employer_regions.country_key
    left outer join region_codes as employer_region_codes
        on
            upper(employers.company_country_text)
            = employer_region_codes.country_code
    left outer join name_parts
        on contacts.planfix_id = name_parts.planfix_id
    left outer join regions
        on lower(contacts.country_text) = regions.country_key
    left outer join region_codes
        on upper(contacts.country_text) = region_codes.country_code
    left outer join languages
        on lower(contacts.language_text) = languages.language_key
    left outer join timezones
        on lower(contacts.timezone_text) = timezones.timezone_key
    left outer join excluded
        on contacts.planfix_id = excluded.planfix_id

)

select * from final
