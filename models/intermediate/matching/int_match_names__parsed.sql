with

contacts as (

    select * from {{ ref('int_contacts__normalized') }}

),

contact_tokens as (

    select * from {{ ref('int_contact_names__tokens') }}

),

stated as (

    select
        planfix_id as named_key,
        gender as stated_sex
    from contacts
    where
        kind = 'person'
        and exclusion_reason is null

),

tokens as (

    select
        planfix_id as named_key,
        token_position,
        token,
        name_part
    from contact_tokens

),

{{ parsed_names('tokens', 'stated') }},

final as (

    select
        named_key as planfix_id,
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
        name_id
    from parsed

)

select * from final
