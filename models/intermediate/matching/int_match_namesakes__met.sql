-- Persons of one full name who meet on a recent trip or at an employer, as far as
-- chance does not explain that.

with

records as not materialized (

    select * from {{ ref('int_match_records__prepared') }}

),

trips as not materialized (

    select * from {{ ref('int_match_trips__attributed') }}

),

employers as (

    select * from {{ ref('int_match_employers__keyed') }}

),

-- a name that one card bears joins nothing: nearly half of all cards end here
frequencies as (

    select
        full_name_key,
        share_of_others
    from {{ ref('int_match_names__counted') }}
    where
        kind = 'person'
        and record_count > 1

),

recent_slots as (

    select distinct
        planfix_id,
        date_trunc('minute', pickup_at) as pickup_minute
    from trips
    where is_recent

),

slot_sizes as (

    select
        pickup_minute,
        count(*) as group_size
    from recent_slots
    group by pickup_minute
    having count(*) > 1

),

grouped as (

    select
        recent_slots.planfix_id,
        'trip:' || recent_slots.pickup_minute as group_key,
        slot_sizes.group_size
    from recent_slots
    inner join slot_sizes
        on recent_slots.pickup_minute = slot_sizes.pickup_minute

    union all

    select
        planfix_id,
        employer_key as group_key,
        employee_count as group_size
    from employers
    where employee_count > 1

),

likely as (

    select
        records.planfix_id,
        records.record_number,
        records.full_name_key,
        records.name_id,
        records.birth_date,
        grouped.group_key
    from grouped
    inner join records
        on grouped.planfix_id = records.planfix_id
    inner join frequencies
        on records.full_name_key = frequencies.full_name_key
    where
        records.kind = 'person'
        and grouped.group_size * frequencies.share_of_others
        <= {{ setting('coincidence_limit') }}

),

namesakes as (

    select
        group_key,
        full_name_key,
        count(*) as card_count,
        min(planfix_id) as first_planfix_id
    from likely
    group by group_key, full_name_key
    having count(*) > 1

),

-- more than a handful of namesakes in one group is no longer one person: a star is
-- enough
left_cards as (

    select likely.*
    from likely
    inner join namesakes
        on
            likely.group_key = namesakes.group_key
            and likely.full_name_key = namesakes.full_name_key
    where
        namesakes.card_count <= 10
        or likely.planfix_id = namesakes.first_planfix_id

),

paired as (

    select
        left_cards.planfix_id as left_planfix_id,
        right_cards.planfix_id as right_planfix_id,
        left_cards.record_number as left_record_number,
        right_cards.record_number as right_record_number,
        left_cards.name_id = right_cards.name_id as is_one_spelling,
        bool_or(left_cards.group_key like 'trip:%') as has_same_trip,
        min(left_cards.group_key) filter (where left_cards.group_key not like 'trip:%')
            as employer_key,
        min(left_cards.group_key) filter (where left_cards.group_key like 'trip:%')
            as trip_key
    from left_cards
    inner join likely as right_cards
        on
            left_cards.group_key = right_cards.group_key
            and left_cards.full_name_key = right_cards.full_name_key
            and left_cards.record_number < right_cards.record_number
            and coalesce(left_cards.birth_date = right_cards.birth_date, true)
    group by
        left_cards.planfix_id,
        right_cards.planfix_id,
        left_cards.record_number,
        right_cards.record_number,
        left_cards.name_id = right_cards.name_id

),

recent_travellers as (

    select distinct planfix_id
    from recent_slots

),

final as (

    select
        paired.left_planfix_id,
        paired.right_planfix_id,
        paired.left_record_number,
        paired.right_record_number,
        paired.is_one_spelling,
        case
            when paired.has_same_trip then 'trip'
            else 'employer'
        end as key_kind,
        coalesce(paired.trip_key, paired.employer_key) as key_value,
        case
            when paired.has_same_trip then 'name_same_trip'
            when
                left_traveller.planfix_id is not null
                or right_traveller.planfix_id is not null
                then 'name_company_trip'
            else 'name_company'
        end as rule_id
    from paired
    left outer join recent_travellers as left_traveller
        on paired.left_planfix_id = left_traveller.planfix_id
    left outer join recent_travellers as right_traveller
        on paired.right_planfix_id = right_traveller.planfix_id

)

select * from final
