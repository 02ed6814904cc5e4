-- Where persons work as far as their cards say so: the employer's card or its name.

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

every_key as (

    select * from by_card

    union

    select * from by_name

),

final as (

    select
        records.planfix_id,
        every_key.employer_key,
        records.full_name_key,
        count(*) over (partition by every_key.employer_key) as employee_count
    from every_key
    inner join records
        on every_key.planfix_id = records.planfix_id
    where records.kind = 'person'

)

select * from final
