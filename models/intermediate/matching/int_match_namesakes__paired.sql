-- An equal full name counts only together with one trip or one employer, and only as
-- far as chance does not explain it. A name alone never links.

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

names as not materialized (

    select * from {{ ref('int_match_names__variants') }}

),

trip_slots as (

    select distinct
        planfix_id,
        date_trunc('minute', pickup_at) as pickup_minute,
        is_recent
    from trips

),

slot_sizes as (

    select
        pickup_minute,
        count(distinct planfix_id) as group_size
    from trip_slots
    group by pickup_minute

),

grouped as (

    select
        records.planfix_id,
        records.full_name_key,
        records.name_id,
        'trip:' || trip_slots.pickup_minute as group_key,
        slot_sizes.group_size
    from trip_slots
    inner join slot_sizes
        on trip_slots.pickup_minute = slot_sizes.pickup_minute
    inner join records
        on trip_slots.planfix_id = records.planfix_id
    where
        trip_slots.is_recent
        and slot_sizes.group_size > 1
        and records.kind = 'person'

    union all

    select
        planfix_id,
        full_name_key,
        name_id,
        employer_key as group_key,
        employee_count as group_size
    from employers
    where employee_count > 1

),

likely as (

    select grouped.*
    from grouped
    inner join frequencies
        on grouped.full_name_key = frequencies.full_name_key
    where
        grouped.group_size * frequencies.share_of_others
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

pairs as materialized (

    select
        left_cards.planfix_id as left_planfix_id,
        right_cards.planfix_id as right_planfix_id,
        left_cards.name_id as left_name_id,
        right_cards.name_id as right_name_id,
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
            and left_cards.planfix_id < right_cards.planfix_id
    group by
        left_cards.planfix_id,
        right_cards.planfix_id,
        left_cards.name_id,
        right_cards.name_id

),

-- one spelling on both cards needs no comparison
compared_names as (

    select
        pairs.left_planfix_id,
        pairs.right_planfix_id,
        {{ name_grade('left_names', 'right_names') }} as name_grade
    from pairs
    inner join names as left_names
        on pairs.left_name_id = left_names.name_id
    inner join names as right_names
        on pairs.right_name_id = right_names.name_id
    where pairs.left_name_id <> pairs.right_name_id

),

recent_travellers as (

    select distinct planfix_id
    from trips
    where is_recent

),

checked as (

    select
        pairs.*,
        left_records.birth_date <> right_records.birth_date
            as do_birth_dates_contradict,
        case
            when pairs.left_name_id = pairs.right_name_id then 4
            else compared_names.name_grade
        end as name_grade,
        left_traveller.planfix_id is not null
        or right_traveller.planfix_id is not null as has_recent_trip
    from pairs
    inner join records as left_records
        on pairs.left_planfix_id = left_records.planfix_id
    inner join records as right_records
        on pairs.right_planfix_id = right_records.planfix_id
    left outer join compared_names
        on
            pairs.left_planfix_id = compared_names.left_planfix_id
            and pairs.right_planfix_id = compared_names.right_planfix_id
    left outer join recent_travellers as left_traveller
        on pairs.left_planfix_id = left_traveller.planfix_id
    left outer join recent_travellers as right_traveller
        on pairs.right_planfix_id = right_traveller.planfix_id

),

final as (

    select
        left_planfix_id,
        right_planfix_id,
        name_grade,
        case
            when has_same_trip then 'trip'
            else 'employer'
        end as key_kind,
        coalesce(trip_key, employer_key) as key_value,
        case
            when has_same_trip then 'name_same_trip'
            when has_recent_trip then 'name_company_trip'
            else 'name_company'
        end as rule_id
    from checked
    where
        name_grade = 4
        and not coalesce(do_birth_dates_contradict, false)

)

select * from final
