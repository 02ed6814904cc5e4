{{ config(indexes=[{'columns': ['customer_id'], 'unique': true}]) }}

with

members as not materialized (

    select * from {{ ref('int_customers__members') }}

),

survivors as (

    select * from {{ ref('int_customers__survivors') }}

),

contacts as not materialized (

    select * from {{ ref('int_customer_contacts__merged') }}

),

city_timezones as (

    select distinct on (lower(city), country_code)
        lower(city) as city,
        country_code,
        timezone
    from {{ ref('city_timezones') }}
    order by lower(city) asc, country_code asc, timezone asc

),

-- a city known in one zone only needs no country
lone_cities as (

    select
        city,
        min(timezone) as timezone
    from city_timezones
    group by city
    having count(distinct timezone) = 1

),

single_records as (

    select
        customer_id,
        planfix_id as main_planfix_id,
        company_id,
        owner_user_id,
        display_name,
        given_name,
        middle_name,
        family_name,
        company_name,
        position,
        website,
        address,
        city,
        country_code,
        language,
        timezone,
        birth_date,
        gender,
        source_created_at,
        source_updated_at
    from members
    where record_count = 1

),

several_records as (

    select
        customer_id,
        max(field_values) filter (where field_group = 'main_record') as main_record,
        max(field_values) filter (where field_group = 'name') as names,
        max(field_values) filter (where field_group = 'employer') as employer,
        max(field_values) filter (where field_group = 'place') as places,
        max(field_values) filter (where field_group = 'website') as website,
        max(field_values) filter (where field_group = 'language') as language,
        max(field_values) filter (where field_group = 'timezone') as timezone,
        max(field_values) filter (where field_group = 'birth_date') as birth_date,
        max(field_values) filter (where field_group = 'gender') as gender,
        max(field_values) filter (where field_group = 'owner_user_id') as owner,
        max(field_values) filter (
            where field_group = 'source_created_at'
        ) as source_created_at,
        max(field_values) filter (
            where field_group = 'source_updated_at'
        ) as source_updated_at
    from survivors
    group by customer_id

),

chosen as (

    select * from single_records
    union all
    select
        customer_id,
        main_record[1]::bigint as main_planfix_id,
        employer[2]::uuid as company_id,
        owner[1] as owner_user_id,
        names[1] as display_name,
        names[2] as given_name,
        names[3] as middle_name,
        names[4] as family_name,
        coalesce(names[5], employer[1]) as company_name,
        employer[3] as position,
        website[1] as website,
        places[1] as address,
        places[2] as city,
        places[3] as country_code,
        language[1] as language,
        timezone[1] as timezone,
        birth_date[1]::date as birth_date,
        gender[1] as gender,
        to_timestamp(source_created_at[1]::double precision) as source_created_at,
        to_timestamp(source_updated_at[1]::double precision) as source_updated_at
    from several_records

),

reachable as (

    select distinct customer_id from contacts

),

-- the primary phone first, then the next best that has a zone
phone_timezones as (

    select distinct on (customer_id)
        customer_id,
        planfix_id,
        timezone
    from contacts
    where
        channel = 'phone'
        and timezone is not null
    order by customer_id asc, place asc

),

final as (

    select
        chosen.customer_id,
        chosen.main_planfix_id,
        members.kind,
        chosen.display_name,
        chosen.given_name,
        chosen.family_name,
        chosen.middle_name,
        chosen.company_name,
        case
            when chosen.company_id <> chosen.customer_id then chosen.company_id
        end as company_id,
        chosen.position,
        chosen.website,
        chosen.address,
        chosen.city,
        chosen.country_code,
        chosen.language,
        coalesce(
            chosen.timezone,
            phone_timezones.timezone,
            city_timezones.timezone,
            lone_cities.timezone
        ) as timezone,
        case
            when chosen.timezone is not null then 'own'
            when phone_timezones.timezone is not null then 'phone'
            when
                coalesce(city_timezones.timezone, lone_cities.timezone) is not null
                then 'city'
        end as timezone_rule,
        case
            when chosen.timezone is null then phone_timezones.planfix_id
        end as timezone_phone_planfix_id,
        chosen.birth_date,
        chosen.gender,
        chosen.owner_user_id,
        reachable.customer_id is null as incomplete_profile,
        members.status,
        members.record_count,
        chosen.source_created_at,
        chosen.source_updated_at
    from chosen
    inner join members on chosen.main_planfix_id = members.planfix_id
    left outer join reachable on chosen.customer_id = reachable.customer_id
    left outer join phone_timezones on chosen.customer_id = phone_timezones.customer_id
    left outer join city_timezones
        on
            lower(chosen.city) = city_timezones.city
            and chosen.country_code = city_timezones.country_code
    left outer join lone_cities
        on
            lower(chosen.city) = lone_cities.city
            and chosen.country_code is null

)

select * from final
