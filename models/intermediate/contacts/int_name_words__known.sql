-- What a word can be in a name, by the lists and by what this base itself does with it:
-- the fields for given and family name of its own cards, of which one in twelve is
-- filled in the wrong way round (measured on the sample account).

with

contacts as not materialized (

    select
        given_name,
        family_name
    from {{ ref('int_contacts__merged') }}
    where
        kind = 'person'
        and is_structured

),

seen as (

    select
        lower(given_name) as name_key,
        1 as given_count,
        0 as family_count
    from contacts
    where given_name is not null

    union all

    select
        lower(family_name) as name_key,
        0 as given_count,
        1 as family_count
    from contacts
    where family_name is not null

    union all

    select
        lower(name) as name_key,
        0 as given_count,
        0 as family_count
    from {{ ref('given_names') }}

    union all

    select
        lower(short_form) as name_key,
        0 as given_count,
        0 as family_count
    from {{ ref('nicknames') }}

),

listed as (

    select lower(name) as name_key
    from {{ ref('given_names') }}

    union

    select lower(short_form) as name_key
    from {{ ref('nicknames') }}

),

counted as (

    select
        name_key,
        sum(given_count) as given_count,
        sum(family_count) as family_count
    from seen
    group by name_key

),

final as (

    select
        counted.name_key,
        -- a listed name that this base rather uses as a family name (Мартин, Thomas)
        -- tells nothing
        case
            when listed.name_key is not null
                then counted.family_count <= counted.given_count
            else
                counted.given_count >= 2
                and counted.given_count > 3 * counted.family_count
        end as is_given_name,
        counted.family_count >= 1
        and counted.family_count >= counted.given_count as is_family_name,
        counted.given_count,
        counted.family_count
    from counted
    left outer join listed
        on counted.name_key = listed.name_key

)

select * from final
