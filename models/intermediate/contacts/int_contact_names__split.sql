with

contacts as (

    select * from {{ ref('int_contacts__normalized') }}

),

-- parts where they are known, else the name as written: never both, or a word would
-- count twice
final as (

    select
        contacts.planfix_id,
        parts.part_position,
        words.word_position::int as word_position,
        parts.name_part,
        words.token
    from contacts
    cross join
        lateral (
            values
            (1, 'person', 'given', contacts.given_name),
            (2, 'person', 'middle', contacts.middle_name),
            (3, 'person', 'family', contacts.family_name),
            (
                4,
                'person',
                'full',
                case
                    when coalesce(contacts.given_name, contacts.family_name) is null
                        then contacts.full_name_text
                end
            ),
            (5, 'company', 'company', contacts.company_name)
        ) as parts (part_position, kind, name_part, name_text)
    cross join lateral {{ split_name('parts.name_text') }}
    where
        contacts.kind = parts.kind
        and parts.name_text is not null
        and words.token ~ '[[:alnum:]]'

)

select * from final
