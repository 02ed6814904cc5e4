-- Planfix employee to Riderra user: by the seed, else by an e-mail that exactly one
-- active user has. The rest have no user and are a worklist. An employee who only
-- occurs as an owner or author (gone from the account, hidden from the token) has a row
-- too.

with

users as (

    select * from {{ ref('stg_planfix__users') }}

),

crm_users as (

    select * from {{ ref('stg_crm__users') }}

),

mapping as (

    select
        planfix_user_id,
        {{ trimmed('riderra_user_id') }} as riderra_user_id
    from {{ ref('manager_mapping') }}

),

contacts as (

    select * from {{ ref('int_contacts__normalized') }}

),

notes as (

    select * from {{ ref('int_contact_notes__cleaned') }}

),

mentioned as (

    select
        planfix_owner_user_id as planfix_user_id,
        min(owner_name) as user_name
    from contacts
    where planfix_owner_user_id is not null
    group by planfix_owner_user_id

    union all

    select
        author_planfix_user_id as planfix_user_id,
        min(author_name) as user_name
    from notes
    where author_planfix_user_id is not null
    group by author_planfix_user_id

    union all

    select
        planfix_user_id,
        user_name
    from users

    union all

    select
        planfix_user_id,
        null as user_name
    from mapping

),

employees as (

    select
        mentioned.planfix_user_id,
        coalesce(min(users.user_name), min(mentioned.user_name)) as user_name
    from mentioned
    left outer join users
        on mentioned.planfix_user_id = users.planfix_user_id
    group by mentioned.planfix_user_id

),

addresses as (

    select
        planfix_user_id,
        email
    from users
    where email is not null

    union

    select
        users.planfix_user_id,
        lower(btrim(secondary.email)) as email
    from users
    cross join
        lateral jsonb_array_elements_text(users.secondary_emails)
            as secondary (email)
    where btrim(secondary.email) != ''

),

unique_emails as (

    select
        email,
        min(riderra_user_id) as riderra_user_id
    from crm_users
    where
        is_active
        and email is not null
    group by email
    having count(*) = 1

),

by_email as (

    select
        addresses.planfix_user_id,
        min(unique_emails.riderra_user_id) as riderra_user_id
    from addresses
    inner join unique_emails
        on addresses.email = unique_emails.email
    group by addresses.planfix_user_id
    -- two addresses of one employee that lead to two users lead nowhere
    having count(distinct unique_emails.riderra_user_id) = 1

),

final as (

    select
        employees.planfix_user_id,
        case
            when mapping.planfix_user_id is not null then mapping.riderra_user_id
            else by_email.riderra_user_id
        end as riderra_user_id,
        case
            when mapping.riderra_user_id is not null then 'seed'
            when mapping.planfix_user_id is not null then 'seed_without_user'
            when by_email.riderra_user_id is not null then 'email'
            else 'unmapped'
        end as mapping_rule,
        employees.user_name
    from employees
    left outer join mapping
        on employees.planfix_user_id = mapping.planfix_user_id
    left outer join by_email
        on employees.planfix_user_id = by_email.planfix_user_id

)

select * from final
