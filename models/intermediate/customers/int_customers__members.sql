with

contacts as not materialized (

    select * from {{ ref('int_contacts__normalized') }}

),

identities as (

    select * from {{ ref('int_customers__cards') }}

),

employers as (

    select
        planfix_id,
        company_position,
        company_planfix_id,
        company_name,
        company_name collate "C" as sorted_name
    from {{ ref('int_contact_companies__resolved') }}

),

managers as (

    select * from {{ ref('int_managers__mapped') }}

),

trips as (

    select
        counterparty_planfix_id as planfix_id,
        max(pickup_at) as last_trip_at
    from {{ ref('int_trips__combined') }}
    where counterparty_planfix_id is not null
    group by counterparty_planfix_id

),

archive_groups as (

    select lower(trim(group_name)) as group_name
    from
        unnest(string_to_array({{ setting_literal('archive_groups') }}, ','))
            as listed (group_name)
    where trim(group_name) <> ''

),

-- a card is for the archive when the settings say so, a customer when all its cards are
scoped as (

    select
        contacts.planfix_id,
        identities.customer_id,
        identities.match_rule,
        contacts.kind,
        archive_groups.group_name is not null
        or coalesce(
            {{ setting('archive_after_years') | int }} > 0
            -- the day and not the moment, which would be another table in each run
            and greatest(contacts.source_updated_at, trips.last_trip_at) < current_date
            - {{ setting('archive_after_years') | int }} * interval '1 year',
            false
        ) as is_for_archive
    from contacts
    inner join identities on contacts.planfix_id = identities.planfix_id
    left outer join trips on contacts.planfix_id = trips.planfix_id
    left outer join archive_groups
        on lower(trim(contacts.group_name)) = archive_groups.group_name
    where contacts.exclusion_reason is null

),

customers as (

    select
        customer_id,
        count(*) as record_count,
        case when bool_and(is_for_archive) then 'archived' else 'active' end as status
    from scoped
    group by customer_id

),

-- one employer per card: one that is an active customer before a mere name
employments as (

    select distinct on (employers.planfix_id)
        employers.planfix_id,
        case
            when customers.status = 'active' and companies.kind = 'company'
                then companies.customer_id
        end as company_id,
        employers.company_name
    from employers
    left outer join scoped as companies
        on employers.company_planfix_id = companies.planfix_id
    left outer join customers on companies.customer_id = customers.customer_id
    order by
        employers.planfix_id asc,
        coalesce(
            customers.status = 'active' and companies.kind = 'company', false
        ) desc,
        employers.company_position asc,
        employers.company_planfix_id asc,
        employers.sorted_name asc

),

final as (

    select
        contacts.planfix_id,
        scoped.customer_id,
        employments.company_id,
        managers.riderra_user_id as owner_user_id,
        contacts.entity_type,
        contacts.kind,
        customers.status,
        scoped.match_rule,
        coalesce(
            contacts.display_name, contacts.full_name_text, contacts.company_name,
            'Planfix ' || contacts.planfix_id
        ) as display_name,
        contacts.given_name,
        contacts.middle_name,
        contacts.family_name,
        case
            when contacts.kind = 'company'
                then coalesce(contacts.company_name, contacts.display_name)
            else coalesce(employments.company_name, contacts.company_name)
        end as company_name,
        contacts.position,
        contacts.website,
        contacts.address,
        contacts.city,
        contacts.country_code,
        contacts.language,
        contacts.timezone,
        contacts.birth_date,
        contacts.gender,
        customers.record_count,
        num_nonnulls(
            contacts.given_name, contacts.middle_name, contacts.family_name,
            contacts.company_name, contacts.position, contacts.website,
            contacts.address, contacts.city, contacts.country_code,
            contacts.language, contacts.timezone, contacts.birth_date,
            contacts.gender, managers.riderra_user_id
        ) as filled_count,
        contacts.has_api,
        contacts.source_created_at,
        contacts.source_updated_at
    from contacts
    inner join scoped on contacts.planfix_id = scoped.planfix_id
    inner join customers on scoped.customer_id = customers.customer_id
    left outer join employments on contacts.planfix_id = employments.planfix_id
    left outer join managers
        on contacts.planfix_owner_user_id = managers.planfix_user_id

)

select * from final
