-- Employers of which only the name is known, and the companies that trips name.

with

employer_tokens as (

    select * from {{ ref('int_company_names__tokens') }}

),

tokens as (

    select
        company_name as named_key,
        token_position,
        token,
        skeleton
    from employer_tokens

),

{{ parsed_companies('tokens') }},

final as (

    select
        named_key as company_name,
        company_key,
        company_text,
        legal_form_group
    from parsed_companies

)

select * from final
