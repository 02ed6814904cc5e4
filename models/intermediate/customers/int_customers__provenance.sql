{{ config(materialized='view') }}

with

members as (

    select * from {{ ref('int_customers__members') }}

),

survivors as (

    select * from {{ ref('int_customers__survivors') }}

),

golden as (

    select * from {{ ref('int_customers__golden') }}

),

single_records as (

    select
        members.customer_id,
        filled.field,
        members.planfix_id,
        'only_record' as rule
    from members
    cross join
        lateral (
            values
            ('display_name', members.display_name is not null),
            ('given_name', members.given_name is not null),
            ('middle_name', members.middle_name is not null),
            ('family_name', members.family_name is not null),
            ('company_name', members.company_name is not null),
            ('company_id', members.company_id is not null),
            ('position', members.position is not null),
            ('website', members.website is not null),
            ('address', members.address is not null),
            ('city', members.city is not null),
            ('country_code', members.country_code is not null),
            ('language', members.language is not null),
            ('timezone', members.timezone is not null),
            ('birth_date', members.birth_date is not null),
            ('gender', members.gender is not null),
            ('owner_user_id', members.owner_user_id is not null),
            ('source_created_at', members.source_created_at is not null),
            ('source_updated_at', members.source_updated_at is not null)
        ) as filled (field, has_value)
    where
        members.record_count = 1
        and filled.has_value

),

several_records as (

    select
        survivors.customer_id,
        case chosen.field
            when 'company_own_name' then 'company_name'
            else chosen.field
        end as field,
        coalesce(chosen.planfix_id, survivors.planfix_id) as planfix_id,
        coalesce(chosen.rule, survivors.rule) as rule
    from survivors
    cross join
        lateral
        unnest(
            survivors.fields,
            survivors.field_values,
            survivors.field_planfix_ids,
            survivors.field_rules
        ) as chosen (field, value, planfix_id, rule)
    where
        chosen.value is not null
        and chosen.field <> 'main_record'

),

derived_timezones as (

    select
        customer_id,
        'timezone' as field,
        coalesce(timezone_phone_planfix_id, main_planfix_id) as planfix_id,
        timezone_rule as rule
    from golden
    where timezone_rule in ('phone', 'city')

),

final as (

    select * from single_records
    union all
    select * from several_records
    union all
    select * from derived_timezones

)

select * from final
