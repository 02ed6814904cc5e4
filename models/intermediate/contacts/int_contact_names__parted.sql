-- Given, middle and family name of persons, where the source gives them apart or where
-- a name written in one cell can be taken apart without guessing: a patronymic follows
-- its given name, and of two words only one is a given name. The rest keep the name as
-- written and no parts; int_contact_names__tokens has its words either way.

with

contacts as (

    select
        planfix_id,
        full_name_text,
        is_structured,
        given_name,
        middle_name,
        family_name,
        case
            when not is_structured then regexp_split_to_array(
                btrim(regexp_replace(
                    regexp_replace(
                        full_name_text,
                        '^\s*(mrs?|ms|miss|dr|prof|mme|herr|frau|г-н|г-жа)[. ]+',
                        '',
                        'i'
                    ),
                    '[^[:alnum:]''’.-]+', ' ', 'g'
                )),
                ' +'
            )
        end as words
    from {{ ref('int_contacts__merged') }}
    where
        kind = 'person'
        and full_name_text is not null
    -- a fence: without it each use of a word would take the name apart anew
    offset null  -- noqa: AM09

),

-- read twice: see int_contact_points__parsed
given_names as not materialized (

    select name_key
    from {{ ref('int_name_words__known') }}
    where is_given_name

),

family_names as (

    select name_key
    from {{ ref('int_name_words__known') }}
    where is_family_name

),

-- the words of one-cell names, or the two fields to be checked for having changed
-- places
checked as (

    select
        contacts.*,
        cardinality(contacts.words) as word_count,
        first_given.name_key is not null as is_first_given,
        second_given.name_key is not null as is_second_given,
        -- turned round only where both words are known, and known the other way
        first_family.name_key is not null
        and first_given.name_key is null
        and second_given.name_key is not null as is_swapped
    from contacts
    left outer join given_names as first_given
        on
            lower(coalesce(contacts.words[1], contacts.given_name))
            = first_given.name_key
    left outer join given_names as second_given
        on
            lower(coalesce(contacts.words[2], contacts.family_name))
            = second_given.name_key
    left outer join family_names as first_family
        on lower(contacts.given_name) = first_family.name_key

),

final as (

    select
        planfix_id,
        case
            when is_structured and is_swapped then family_name
            when is_structured then given_name
            when word_count > 3 then null
            when {{ is_patronymic('words[2]') }} then words[1]
            when {{ is_patronymic('words[3]') }} then words[2]
            when word_count = 1 and is_first_given then words[1]
            when word_count = 2 and is_first_given and not is_second_given then words[1]
            when word_count = 2 and is_second_given and not is_first_given then words[2]
        end as given_name,
        case
            when is_structured then middle_name
            when word_count > 3 then null
            when {{ is_patronymic('words[2]') }} then words[2]
            when {{ is_patronymic('words[3]') }} then words[3]
        end as middle_name,
        case
            when is_structured and is_swapped then given_name
            when is_structured then family_name
            when word_count > 3 then null
            when {{ is_patronymic('words[2]') }} then words[3]
            when {{ is_patronymic('words[3]') }} then words[1]
            when word_count = 2 and is_first_given and not is_second_given then words[2]
            when word_count = 2 and is_second_given and not is_first_given then words[1]
        end as family_name,
        -- in the order in which it was written, each part in ordinary case
        case
            when is_structured
                then concat_ws(
                    ' ',
                    {{ name_case('given_name') }},
                    {{ name_case('middle_name') }},
                    {{ name_case('family_name') }}
                )
            else {{ name_case('full_name_text') }}
        end as display_name,
        is_structured
    from checked

)

select * from final
