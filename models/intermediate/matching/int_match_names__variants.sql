-- Names are compared once per pair of spellings, not once per pair of records.

with

records as (

    select * from {{ ref('int_match_records__prepared') }}

),

persons as (

    select * from {{ ref('int_match_names__parsed') }}

),

companies as (

    select * from {{ ref('int_match_companies__parsed') }}

),

named as (

    select
        name_id,
        kind,
        min(planfix_id) as planfix_id
    from records
    where name_id is not null
    group by name_id, kind

),

final as (

    select
        named.name_id,
        named.kind,
        persons.word_shape,
        persons.given_skeleton,
        persons.given_key,
        persons.given_names,
        persons.given_initial,
        persons.patronymic,
        persons.patronymic_initial,
        persons.surnames,
        persons.surname_text,
        persons.surname_skeleton,
        persons.surname_initial,
        persons.sex,
        persons.is_given_known,
        coalesce(persons.full_name_key, companies.company_key) as full_name_key,
        companies.company_words,
        companies.company_text,
        companies.legal_form_group
    from named
    left outer join persons
        on
            named.planfix_id = persons.planfix_id
            and named.kind = 'person'
    left outer join companies
        on
            named.planfix_id = companies.planfix_id
            and named.kind = 'company'

)

select * from final
