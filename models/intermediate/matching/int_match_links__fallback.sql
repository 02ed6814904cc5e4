-- Persons who share no key: namesakes of one trip, and namesakes of one employer unless
-- their phones and mails make them two verified people.

with

namesakes as not materialized (

    select * from {{ ref('int_match_namesakes__paired') }}

),

collected as (

    select * from {{ ref('int_match_identifiers__collected') }}

),

classified as (

    select * from {{ ref('int_identifiers__classified') }}

),

-- one trip speaks for itself: only of colleagues their phones and mails are asked
paired_cards as (

    select left_planfix_id as planfix_id
    from namesakes
    where key_kind = 'employer'

    union

    select right_planfix_id as planfix_id
    from namesakes
    where key_kind = 'employer'

),

-- put aside, or all identifiers of the base are looked up before they are dropped
paired_identifiers as materialized (

    select
        collected.planfix_id,
        collected.key_kind,
        collected.key_value
    from collected
    inner join paired_cards
        on collected.planfix_id = paired_cards.planfix_id
    where
        collected.key_kind in ('phone', 'email')
        and not collected.is_from_trip

),

own_channels as (

    select
        paired_identifiers.planfix_id,
        array_agg(paired_identifiers.key_value) filter (
            where paired_identifiers.key_kind = 'phone'
        ) as phones,
        array_agg(paired_identifiers.key_value) filter (
            where paired_identifiers.key_kind = 'email'
        ) as emails
    from paired_identifiers
    left outer join classified
        on
            paired_identifiers.key_value = classified.key_value
            and paired_identifiers.key_kind = classified.key_kind
    where coalesce(classified.identifier_class, 'personal') = 'personal'
    group by paired_identifiers.planfix_id

),

final as (

    select
        namesakes.left_planfix_id,
        namesakes.right_planfix_id,
        namesakes.left_record_number,
        namesakes.right_record_number,
        namesakes.name_grade,
        namesakes.key_kind,
        namesakes.key_value,
        namesakes.rule_id
    from namesakes
    left outer join own_channels as left_channels
        on namesakes.left_planfix_id = left_channels.planfix_id
    left outer join own_channels as right_channels
        on namesakes.right_planfix_id = right_channels.planfix_id
    where
        namesakes.key_kind = 'trip'
        -- different phones and different mails at one employer: two verified people
        or not coalesce(
            not left_channels.phones && right_channels.phones
            and not left_channels.emails && right_channels.emails,
            false
        )

)

select * from final
