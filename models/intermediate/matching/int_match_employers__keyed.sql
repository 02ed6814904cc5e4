-- What says that two persons work at one place: the employer's card, its name, the
-- company's mail domain. One row per person and such key.

with

records as (

    select * from {{ ref('int_match_records__prepared') }}

),

companies as (

    select * from {{ ref('int_match_companies__parsed') }}

),

employers as not materialized (

    select * from {{ ref('int_contact_companies__resolved') }}

),

employer_names as (

    select * from {{ ref('int_match_employer_names__parsed') }}

),

collected as (

    select * from {{ ref('int_match_identifiers__collected') }}

),

free_mail_domains as (

    select * from {{ ref('free_mail_domains') }}

),

by_card as (

    select
        employers.planfix_id,
        coalesce(
            'name:' || companies.company_key,
            'card:' || employers.company_planfix_id
        ) as employer_key
    from employers
    left outer join companies
        on employers.company_planfix_id = companies.planfix_id
    where employers.company_planfix_id is not null

),

by_name as (

    select
        employers.planfix_id,
        'name:' || employer_names.company_key as employer_key
    from employers
    inner join employer_names
        on employers.company_name = employer_names.company_name
    where
        employers.company_planfix_id is null
        and employer_names.company_key is not null

),

by_domain as (

    select
        collected.planfix_id,
        'domain:' || split_part(collected.key_value, '@', 2) as employer_key
    from collected
    where
        collected.key_kind = 'email'
        and collected.kind = 'person'
        and not exists (
            select 1 from free_mail_domains
            where free_mail_domains.domain = split_part(collected.key_value, '@', 2)
        )

),

every_key as (

    select * from by_card

    union

    select * from by_name

    union

    select * from by_domain

),

final as (

    select
        records.planfix_id,
        every_key.employer_key,
        records.full_name_key,
        records.name_id,
        count(*) over (partition by every_key.employer_key) as employee_count
    from every_key
    inner join records
        on every_key.planfix_id = records.planfix_id
    where records.kind = 'person'

)

select * from final
