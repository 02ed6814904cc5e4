-- Fails for a customer of whom a filled field of the golden record is without exactly
-- one line of provenance, a line stands for a field that is empty, two lines stand for
-- one field (the key of int_customers__provenance), or a line names a card of another
-- customer.
-- Why: "where does this come from" must have an answer for each value, also after a
-- merge.
-- Does not claim that the rule chose well.
-- sqlfluff:indentation:template_blocks_indent:False
{{ config(meta={'asked_by': 'customer'}) }}
{#- Asked beside the comparison, which leaves cores idle, and not before the ready
    tables are made: what is published waits for the reconciliation, and so for this. -#}
-- depends_on: {{ ref('reconciliation_customers') }}

{%- set fields = [
    'display_name', 'given_name', 'middle_name', 'family_name', 'company_name',
    'position', 'website', 'address', 'city', 'country_code', 'language', 'timezone',
    'birth_date', 'gender', 'owner_user_id', 'source_created_at', 'source_updated_at',
] %}

with

-- A bit for each field, so that a customer's fields are compared at once: a million
-- cards fill eight million of them, which took two tests 41 seconds to join and sort.
golden as (

    select
        customer_id,
        0
        {%- for field in fields %}
        + ({{ field }} is not null)::int * {{ 2 ** loop.index0 }}
        {%- endfor %} as filled_fields
    from {{ ref('int_customers__golden') }}

),

provenance as (

    select
        customer_id,
        planfix_id,
        case field
            {%- for field in fields %}
            when '{{ field }}' then {{ 2 ** loop.index0 }}
            {%- endfor %}
            -- an employer that turned out to be the customer itself has a line and no
            -- value
            when 'company_id' then {{ 2 ** 20 }}
            -- no field of the golden record
            else {{ 2 ** 21 }}
        end as field_bit
    from {{ ref('int_customers__provenance') }}

),

members as (

    select
        planfix_id,
        customer_id
    from {{ ref('int_customers__members') }}

),

lines as (

    select
        provenance.customer_id,
        bit_or(provenance.field_bit) & ~{{ 2 ** 20 }} as named_fields,
        -- a bit that is added twice makes the sum more than the bits together
        sum(provenance.field_bit) <> bit_or(provenance.field_bit) as is_doubled,
        bool_or(members.planfix_id is null) as is_foreign
    from provenance
    left outer join members
        on
            provenance.planfix_id = members.planfix_id
            and provenance.customer_id = members.customer_id
    group by provenance.customer_id

)

select
    coalesce(golden.customer_id, lines.customer_id) as customer_id,
    golden.filled_fields,
    lines.named_fields,
    lines.is_doubled,
    lines.is_foreign
from golden
full outer join lines on golden.customer_id = lines.customer_id
where
    golden.customer_id is null
    or coalesce(lines.named_fields, 0) <> golden.filled_fields
    or lines.is_doubled
    or lines.is_foreign
