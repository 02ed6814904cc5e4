-- Given, middle and family name of persons, where the source gives them apart or where a name
-- written in one cell can be taken apart without guessing: a patronymic follows its given name,
-- and of two words only one is a given name, by the list or by this base's own cards. The rest keep the
-- name as written and no parts; int_contact_names__tokens has its words either way.

with

contacts as (

    select * from {{ ref('int_contacts__merged') }}
    where
        kind = 'person'
        and full_name_text is not null

),

-- a file shows the name in one cell; as long as it has the API's words, the API's parts hold
compared as (

    select
        planfix_id,
        full_name_text,
        api_name,
        api_midname,
        api_lastname,
        csv_given_name,
        csv_middle_name,
        csv_family_name,
        csv_is_newer
        and csv_name is not null
        and {{ name_words('csv_name') }}
        != {{ name_words("concat_ws(' ', api_name, api_midname, api_lastname)") }}
            as is_renamed_by_csv
    from contacts

),

structured as (

    select
        planfix_id,
        full_name_text,
        case
            when api_lastname is not null and not is_renamed_by_csv then api_name
            when csv_family_name is not null then csv_given_name
        end as given_name,
        case
            when api_lastname is not null and not is_renamed_by_csv then api_midname
            when csv_family_name is not null then csv_middle_name
        end as middle_name,
        case
            when api_lastname is not null and not is_renamed_by_csv then api_lastname
            when csv_family_name is not null then csv_family_name
        end as family_name,
        coalesce(
            (api_lastname is not null and not is_renamed_by_csv)
            or csv_family_name is not null,
            false
        ) as is_structured,
        regexp_split_to_array(
            btrim(regexp_replace(full_name_text, '[^[:alnum:]''’.-]+', ' ', 'g')), ' +'
        ) as words
    from compared

),

-- what this base itself calls a given name: seen in that field, hardly ever as a family name
seen_names as (

    select
        lower(name_word) as name_key,
        count(*) filter (where is_given) as given_count,
        count(*) filter (where not is_given) as family_count
    from (
        select
            api_name as name_word,
            true as is_given
        from contacts
        where api_lastname is not null

        union all

        select
            api_lastname as name_word,
            false as is_given
        from contacts
    ) as words
    where name_word is not null
    group by lower(name_word)

),

-- a listed name that this base rather uses as a family name (Мартин, Thomas) tells nothing here
given_names as (

    select lower(name) as name_key
    from {{ ref('given_names') }}
    where not exists (
        select from seen_names
        where
            lower(name) = seen_names.name_key
            and seen_names.family_count > seen_names.given_count
    )

    union

    select lower(short_form) as name_key
    from {{ ref('nicknames') }}

    union

    select name_key
    from seen_names
    where
        given_count >= 2
        and given_count > 3 * family_count

),

family_names as (

    select name_key
    from seen_names
    where
        family_count >= 1
        and family_count >= given_count

),

one_cell as (

    select
        structured.planfix_id,
        structured.words,
        cardinality(structured.words) as word_count,
        first_given.name_key is not null as is_first_given,
        second_given.name_key is not null as is_second_given
    from structured
    left join given_names as first_given
        on lower(structured.words[1]) = first_given.name_key
    left join given_names as second_given
        on lower(structured.words[2]) = second_given.name_key
    where
        not structured.is_structured
        and cardinality(structured.words) between 1 and 3

),

parted as (

    select
        planfix_id,
        case
            when {{ is_patronymic('words[2]') }} then words[1]
            when {{ is_patronymic('words[3]') }} then words[2]
            when word_count = 1 and is_first_given then words[1]
            when word_count = 2 and is_first_given and not is_second_given then words[1]
            when word_count = 2 and is_second_given and not is_first_given then words[2]
        end as given_name,
        case
            when {{ is_patronymic('words[2]') }} then words[2]
            when {{ is_patronymic('words[3]') }} then words[3]
        end as middle_name,
        case
            when {{ is_patronymic('words[2]') }} then words[3]
            when {{ is_patronymic('words[3]') }} then words[1]
            when word_count = 2 and is_first_given and not is_second_given then words[2]
            when word_count = 2 and is_second_given and not is_first_given then words[1]
        end as family_name
    from one_cell

),

-- one card in twelve of the sample has the family name in the field for the given name; turned
-- round only where the base knows both words and knows them the other way
final as (

    select
        structured.planfix_id,
        case
            when structured.is_structured and swapped_given.name_key is not null
                and swapped_family.name_key is not null
                then structured.family_name
            else coalesce(structured.given_name, parted.given_name)
        end as given_name,
        coalesce(structured.middle_name, parted.middle_name) as middle_name,
        case
            when structured.is_structured and swapped_given.name_key is not null
                and swapped_family.name_key is not null
                then structured.given_name
            else coalesce(structured.family_name, parted.family_name)
        end as family_name,
        -- in the order in which it was written, each part in ordinary case
        case
            when structured.is_structured then concat_ws(
                ' ',
                {{ name_case('structured.given_name') }},
                {{ name_case('structured.middle_name') }},
                {{ name_case('structured.family_name') }}
            )
            else {{ name_case('structured.full_name_text') }}
        end as display_name,
        structured.is_structured
    from structured
    left join parted
        on structured.planfix_id = parted.planfix_id
    left join given_names as swapped_given
        on lower(structured.family_name) = swapped_given.name_key
    left join family_names as swapped_family
        on lower(structured.given_name) = swapped_family.name_key

)

select * from final
