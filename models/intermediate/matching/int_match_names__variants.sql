-- The names of persons and companies in one shape. A view: names are compared only
-- where two cards meet, and whoever compares them looks up the few cards that do.
{{ config(materialized='view') }}

with

persons as (

    select * from {{ ref('int_match_names__parsed') }}
    where name_id is not null

),

companies as (

    select * from {{ ref('int_match_companies__parsed') }}
    where company_key is not null

),

final as (

    select
        planfix_id,
        'person' as kind,
        word_shape,
        given_skeleton,
        given_key,
        given_names,
        given_initial,
        patronymic,
        patronymic_initial,
        surnames,
        surname_text,
        surname_skeleton,
        surname_initial,
        sex,
        is_given_known,
        full_name_key,
        null as company_text
    from persons

    union all

    select
        planfix_id,
        'company' as kind,
        null as word_shape,
        null as given_skeleton,
        null as given_key,
        null::text[] as given_names,
        null as given_initial,
        null as patronymic,
        null as patronymic_initial,
        null::text[] as surnames,
        null as surname_text,
        null as surname_skeleton,
        null as surname_initial,
        null as sex,
        null::boolean as is_given_known,
        company_key as full_name_key,
        company_text
    from companies

)

select * from final
