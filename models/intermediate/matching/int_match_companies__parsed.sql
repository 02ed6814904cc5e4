with

contacts as (

    select * from {{ ref('int_contacts__normalized') }}

),

contact_tokens as (

    select * from {{ ref('int_contact_names__tokens') }}

),

companies as (

    select planfix_id
    from contacts
    where
        kind = 'company'
        and exclusion_reason is null

),

tokens as (

    select
        contact_tokens.planfix_id as named_key,
        contact_tokens.token_position,
        contact_tokens.token,
        contact_tokens.skeleton
    from contact_tokens
    inner join companies
        on contact_tokens.planfix_id = companies.planfix_id

),

{{ parsed_companies('tokens') }},

final as (

    select
        named_key as planfix_id,
        company_key,
        company_words,
        company_text,
        legal_form_group
    from parsed_companies

)

select * from final
