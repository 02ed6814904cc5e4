-- Two groups, each held together by keys or trips, meet over half a name or an employer
-- only: when both have phones and mails of their own and share none, they are two
-- verified people. Two cards alone were asked that when they were linked; here a third
-- card without a phone or a mail may have come between.

with

parts as (

    select * from {{ ref('int_match_parts__closed') }}

),

collected as (

    select * from {{ ref('int_match_identifiers__collected') }}

),

classified as (

    select * from {{ ref('int_identifiers__classified') }}

),

own_identifiers as (

    select
        parts.component,
        parts.strong_component,
        collected.key_kind,
        collected.key_value
    from parts
    inner join collected
        on parts.planfix_id = collected.planfix_id
    where
        collected.key_kind in ('phone', 'email')
        and not collected.is_from_trip

),

strong_parts as (

    select
        own_identifiers.component,
        own_identifiers.strong_component,
        array_agg(own_identifiers.key_value) filter (
            where own_identifiers.key_kind = 'phone'
        ) as phones,
        array_agg(own_identifiers.key_value) filter (
            where own_identifiers.key_kind = 'email'
        ) as emails
    from own_identifiers
    left outer join classified
        on
            own_identifiers.key_value = classified.key_value
            and own_identifiers.key_kind = classified.key_kind
    where coalesce(classified.identifier_class, 'personal') = 'personal'
    group by own_identifiers.component, own_identifiers.strong_component

),

final as (

    select
        left_part.component,
        left_part.strong_component as left_record_number,
        right_part.strong_component as right_record_number
    from strong_parts as left_part
    inner join strong_parts as right_part
        on
            left_part.component = right_part.component
            and left_part.strong_component < right_part.strong_component
    where
        not left_part.phones && right_part.phones
        and not left_part.emails && right_part.emails

)

select * from final
