-- sqlfluff:indentation:template_blocks_indent:False
-- The balance adds these up; where it does not come out, this table has the customers.

{%- set measures = [
    'stated_points', 'moved_points', 'expected_points', 'ready_points',
    'expected_notes', 'ready_notes',
    'expected_consents', 'widened_consents', 'ready_consents',
    'expected_tags', 'ready_tags',
] %}
{%- set counted = {
    'points': {
        'stated_points': '1',
        'moved_points': 'case when contact_id is null then 0 else 1 end',
        'expected_points': '1',
    },
    'repeated_points': {'expected_points': '-repetitions'},
    'ready_points': {'ready_points': '1'},
    'notes': {'expected_notes': '1'},
    'ready_notes': {'ready_notes': '1'},
    'consents': {
        'expected_consents': '1',
        'widened_consents': 'case when is_widened then 1 else 0 end',
    },
    'ready_consents': {'ready_consents': '1'},
    'tags': {'expected_tags': '1'},
    'repeated_tags': {'expected_tags': '-repetitions'},
    'ready_tags': {'ready_tags': '1'},
} %}

with

cards as not materialized (

    select * from {{ ref('int_customers__cards') }}

),

-- the rows of one card are distinct (tested): only those of customers with several
-- cards are looked through for what two cards say alike. Were the count of cards wrong,
-- the books would not balance
cards_of_several as not materialized (

    select
        planfix_id,
        customer_id
    from {{ ref('int_customers__members') }}
    where record_count > 1

),

stated_points as not materialized (

    select * from {{ ref('int_contact_points__normalized') }}

),

points as (

    select
        cards.customer_id,
        contacts.id as contact_id
    from stated_points
    inner join cards on stated_points.planfix_id = cards.planfix_id
    left outer join {{ ref('customer_contacts') }} as contacts
        on
            cards.customer_id = contacts.customer_id
            and stated_points.channel = contacts.channel
            and stated_points.value = contacts.value
            and stated_points.extension = contacts.extension

),

repeated_points as (

    select
        cards.customer_id,
        count(*)::int - 1 as repetitions
    from stated_points
    inner join cards_of_several as cards
        on stated_points.planfix_id = cards.planfix_id
    group by
        cards.customer_id,
        stated_points.channel,
        stated_points.value,
        stated_points.extension
    having count(*) > 1

),

ready_points as (

    select customer_id from {{ ref('customer_contacts') }}

),

notes as (

    select cards.customer_id
    from {{ ref('int_contact_notes__cleaned') }} as stated
    inner join cards on stated.planfix_id = cards.planfix_id

),

ready_notes as (

    select customer_id from {{ ref('customer_notes') }}

),

-- as wide as the narrowest that any card says
stated_consents as (

    select
        cards.customer_id,
        stated.channel,
        stated.purpose,
        min(
            case stated.status when 'granted' then 3 when 'unknown' then 2 else 1 end
        ) as width
    from {{ ref('int_contact_consents__normalized') }} as stated
    inner join cards on stated.planfix_id = cards.planfix_id
    group by cards.customer_id, stated.channel, stated.purpose

),

consents as (

    select
        stated_consents.customer_id,
        ready.id is null
        or case ready.status when 'granted' then 3 when 'unknown' then 2 else 1 end
        > stated_consents.width as is_widened
    from stated_consents
    left outer join {{ ref('customer_consents') }} as ready
        on
            stated_consents.customer_id = ready.customer_id
            and stated_consents.channel = ready.channel
            and stated_consents.purpose = ready.purpose

),

ready_consents as (

    select customer_id from {{ ref('customer_consents') }}

),

stated_tags as not materialized (

    select * from {{ ref('int_contact_tags__mapped') }}

),

tags as (

    select cards.customer_id
    from stated_tags
    inner join cards on stated_tags.planfix_id = cards.planfix_id

),

repeated_tags as (

    select
        cards.customer_id,
        count(*)::int - 1 as repetitions
    from stated_tags
    inner join cards_of_several as cards
        on stated_tags.planfix_id = cards.planfix_id
    group by cards.customer_id, stated_tags.kind, stated_tags.tag
    having count(*) > 1

),

ready_tags as (

    select customer_id from {{ ref('customer_tags') }}

),

-- one row per thing, of one type in every column, so that all of it is added up at once
-- and on all cores
counted as (
    {%- for part, own in counted.items() %}
    select
        {%- for measure in measures %}
        {{ own.get(measure, '0') }} as {{ measure }},
        {%- endfor %}
        customer_id
    from {{ part }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

final as (

    select
        customer_id,
        {%- for measure in measures if measure != 'expected_notes' %}
        sum({{ measure }})::int as {{ measure }},
        {%- endfor %}
        least(sum(expected_notes), {{ setting('notes_per_contact') | int }})::int
            as expected_notes
    from counted
    group by customer_id

)

select * from final
