with

contacts as (

    select * from {{ ref('int_contacts__normalized') }}

),

employers as (

    select * from {{ ref('int_contact_companies__resolved') }}

),

trips as (

    select * from {{ ref('int_trips__collected') }}

),

company_names as (

    select company_name
    from contacts
    where
        kind = 'company'
        and company_name is not null

    union

    select company_name
    from employers
    where company_name is not null

    union

    select company_name
    from trips
    where company_name is not null

),

final as (

    select
        company_names.company_name,
        words.word_position::int as word_position,
        words.token
    from company_names
    cross join lateral {{ split_name('company_names.company_name') }}
    where words.token ~ '[[:alnum:]]'

)

select * from final
