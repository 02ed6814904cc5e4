-- The records that take part, numbered densely so that closure can work on arrays. The
-- number follows the contact number, so that the least member of a cluster is its
-- oldest card. The functions of closure are made here, before the unit tests of the
-- models that call them.
{{ config(pre_hook="{{ matching_functions() }}") }}

with

contacts as (

    select * from {{ ref('int_contacts__normalized') }}

),

persons as (

    select * from {{ ref('int_match_names__parsed') }}

),

companies as (

    select * from {{ ref('int_match_companies__parsed') }}

),

void_values as (

    select * from {{ ref('void_values') }}

),

void_numbers as (

    select value as pattern
    from void_values
    where value_kind = 'registration_number'

),

in_scope as (

    select
        contacts.planfix_id,
        contacts.kind,
        contacts.gender,
        contacts.birth_date,
        case
            when contacts.kind = 'company'
                then nullif(
                    regexp_replace(
                        upper(contacts.registration_number), '[^A-Z0-9]', '', 'g'
                    ),
                    ''
                )
        end as registration_number
    from contacts
    where contacts.exclusion_reason is null

),

final as (

    select
        in_scope.planfix_id,
        row_number() over (order by in_scope.planfix_id)::int as record_number,
        in_scope.kind,
        case
            when in_scope.kind = 'person' then persons.name_id
            when companies.company_key is not null
                then md5(concat(
                    'company|', companies.company_key, '|', companies.company_text, '|',
                    companies.legal_form_group
                ))::uuid
        end as name_id,
        case
            when in_scope.kind = 'person' then persons.full_name_key
            else companies.company_key
        end as full_name_key,
        case
            when in_scope.kind = 'company'
                then case when companies.company_key is null then 0 else 4 end
            when persons.name_id is null then 0
            when persons.word_shape = 'full' then 4
            when persons.word_shape = 'surname' and persons.given_initial is not null
                then 2
            when persons.word_shape = 'given' and persons.surname_initial is not null
                then 2
            else 1
        end as own_name_grade,
        persons.word_shape,
        persons.given_key,
        persons.surname_text,
        case
            when in_scope.kind = 'person' then coalesce(persons.sex, in_scope.gender)
        end as sex,
        case when in_scope.kind = 'person' then in_scope.birth_date end as birth_date,
        case
            when in_scope.registration_number is null then null
            when not exists (
                select 1 from void_numbers
                where in_scope.registration_number ~ void_numbers.pattern
            ) then in_scope.registration_number
        end as registration_number
    from in_scope
    left outer join persons
        on in_scope.planfix_id = persons.planfix_id
    left outer join companies
        on in_scope.planfix_id = companies.planfix_id

)

select * from final
