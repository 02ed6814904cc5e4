-- The words of every name that matching compares: cards of people and companies,
-- employers by name, passengers and companies of trips. Calls no Python function; each
-- distinct word is folded once, in int_name_tokens__folded.

{% set kinds = [
    'person_names', 'card_names', 'employer_names', 'passenger_names',
] %}

with

contacts as not materialized (

    select * from {{ ref('int_contacts__normalized') }}

),

employers as (

    select * from {{ ref('int_contact_companies__resolved') }}

),

trips as not materialized (

    select * from {{ ref('int_trips__collected') }}

),

-- parts where they are known, else the name as written: never both, or a word would
-- count twice
person_names as (

    select
        'contact' as owner_kind,
        contacts.planfix_id::text as owner_key,
        parts.part_position,
        parts.name_part,
        parts.name_text
    from contacts
    cross join
        lateral (
            values
            (1, 'given', contacts.given_name),
            (2, 'middle', contacts.middle_name),
            (3, 'family', contacts.family_name),
            (
                4,
                'full',
                case
                    when coalesce(contacts.given_name, contacts.family_name) is null
                        then contacts.full_name_text
                end
            )
        ) as parts (part_position, name_part, name_text)
    where
        contacts.kind = 'person'
        and parts.name_text is not null

),

company_names as (

    select company_name
    from contacts
    where
        kind = 'company'
        and company_name is not null

    union

    select company_name
    from employers
    where company_name is not null

    union

    select company_name
    from trips
    where company_name is not null

),

card_names as (

    select
        'contact' as owner_kind,
        planfix_id::text as owner_key,
        1 as part_position,
        'company' as name_part,
        company_name as name_text
    from contacts
    where
        kind = 'company'
        and company_name is not null

),

employer_names as (

    select
        'company' as owner_kind,
        company_name as owner_key,
        1 as part_position,
        'company' as name_part,
        company_name as name_text
    from company_names

),

passenger_names as (

    select
        'trip' as owner_kind,
        trip_key as owner_key,
        1 as part_position,
        'full' as name_part,
        passenger_name as name_text
    from trips
    where passenger_name is not null

),

-- each kind of name is taken apart by itself: behind the union, one core would do it
-- for all of them
final as (

    {% for names in kinds %}
        select
            {{ names }}.owner_kind,
            {{ names }}.owner_key,
            {{ names }}.part_position,
            words.word_position::int as word_position,
            {{ names }}.name_part,
            words.word as token
        from {{ names }}
        cross join
            lateral regexp_split_to_table(
                lower({{ names }}.name_text), '[^[:alnum:]''’-]+'
            ) with ordinality as words (word, word_position)
        where words.word ~ '[[:alnum:]]'
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

)

select * from final
