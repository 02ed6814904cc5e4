-- Fails for a filled field of the golden record without exactly one line of provenance,
-- and for a line of provenance that names a card of another customer.
-- Why: "where does this come from" must have an answer for each value, also after a
-- merge.
-- Does not claim that the rule chose well.

with

golden as (

    select
        golden.customer_id,
        filled.field
    from {{ ref('int_customers__golden') }} as golden
    cross join
        lateral (
            values
            ('display_name', golden.display_name is not null),
            ('given_name', golden.given_name is not null),
            ('middle_name', golden.middle_name is not null),
            ('family_name', golden.family_name is not null),
            ('company_name', golden.company_name is not null),
            ('position', golden.position is not null),
            ('website', golden.website is not null),
            ('address', golden.address is not null),
            ('city', golden.city is not null),
            ('country_code', golden.country_code is not null),
            ('language', golden.language is not null),
            ('timezone', golden.timezone is not null),
            ('birth_date', golden.birth_date is not null),
            ('gender', golden.gender is not null),
            ('owner_user_id', golden.owner_user_id is not null),
            ('source_created_at', golden.source_created_at is not null),
            ('source_updated_at', golden.source_updated_at is not null)
        ) as filled (field, has_value)
    where filled.has_value

),

provenance as (

    select * from {{ ref('int_customers__provenance') }}
    -- an employer that turned out to be the customer itself has a line and no value
    where field <> 'company_id'

),

members as (

    select * from {{ ref('int_customers__members') }}

)

select
    coalesce(golden.customer_id, provenance.customer_id) as customer_id,
    coalesce(golden.field, provenance.field) as field,
    provenance.planfix_id
from golden
full outer join provenance
    on
        golden.customer_id = provenance.customer_id
        and golden.field = provenance.field
left outer join members
    on
        provenance.planfix_id = members.planfix_id
        and provenance.customer_id = members.customer_id
where
    golden.customer_id is null
    or provenance.customer_id is null
    or members.planfix_id is null
