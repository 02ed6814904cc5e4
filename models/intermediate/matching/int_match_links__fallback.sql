-- Persons who share no key: an equal full name counts only together with one trip or
-- one employer, and only as far as chance does not explain it. A name alone never
-- links.

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

frequencies as (

    select * from {{ ref('int_match_names__counted') }}
    where kind = 'person'

),

names as not materialized (

    select * from {{ ref('int_match_names__variants') }}

),

collected as (

    select * from {{ ref('int_match_identifiers__collected') }}

),

classified as (

    select * from {{ ref('int_identifiers__classified') }}

),

trip_slots as (

    select distinct
        trips.planfix_id,
        records.full_name_key,
        records.name_id,
        date_trunc('minute', trips.pickup_at) as pickup_minute
    from trips
    inner join records
        on trips.planfix_id = records.planfix_id
    where
        trips.is_recent
        and records.kind = 'person'
        and records.full_name_key is not null

),

slot_sizes as (

    select
        date_trunc('minute', pickup_at) as pickup_minute,
        count(distinct planfix_id) as group_size
    from trips
    group by date_trunc('minute', pickup_at)

),

grouped as (

    select
        trip_slots.planfix_id,
        trip_slots.full_name_key,
        trip_slots.name_id,
        'trip:' || trip_slots.pickup_minute as group_key,
        slot_sizes.group_size
    from trip_slots
    inner join slot_sizes
        on trip_slots.pickup_minute = slot_sizes.pickup_minute

    union all

    select
        planfix_id,
        full_name_key,
        name_id,
        employer_key as group_key,
        employee_count as group_size
    from employers
    where full_name_key is not null

),

-- more than a handful of namesakes in one group is no longer one person: a star is
-- enough
counted as (

    select
        grouped.*,
        count(*) over same_name as namesakes,
        min(grouped.planfix_id) over same_name as first_planfix_id
    from grouped
    inner join frequencies
        on grouped.full_name_key = frequencies.full_name_key
    where
        grouped.group_size * frequencies.share_of_others
        <= {{ setting('coincidence_limit') }}
    window same_name as (
        partition by grouped.group_key, grouped.full_name_key
    )

),

pairs as (

    select
        left_card.planfix_id as left_planfix_id,
        right_card.planfix_id as right_planfix_id,
        left_card.name_id as left_name_id,
        right_card.name_id as right_name_id,
        bool_or(left_card.group_key like 'trip:%') as has_same_trip,
        min(left_card.group_key) filter (where left_card.group_key not like 'trip:%')
            as employer_key,
        min(left_card.group_key) filter (where left_card.group_key like 'trip:%')
            as trip_key
    from counted as left_card
    inner join counted as right_card
        on
            left_card.group_key = right_card.group_key
            and left_card.full_name_key = right_card.full_name_key
            and left_card.planfix_id < right_card.planfix_id
    where
        left_card.namesakes between 2 and 10
        or (
            left_card.namesakes > 10
            and left_card.planfix_id = left_card.first_planfix_id
        )
    group by
        left_card.planfix_id,
        right_card.planfix_id,
        left_card.name_id,
        right_card.name_id

),

own_channels as (

    select
        collected.planfix_id,
        array_agg(collected.key_value) filter (where collected.key_kind = 'phone')
            as phones,
        array_agg(collected.key_value) filter (where collected.key_kind = 'email')
            as emails
    from collected
    left outer join classified
        on
            collected.key_kind = classified.key_kind
            and collected.key_value = classified.key_value
    where
        not collected.is_from_trip
        and coalesce(classified.identifier_class, 'personal') = 'personal'
        and collected.planfix_id in (
            select pairs.left_planfix_id from pairs
            union
            select pairs.right_planfix_id from pairs
        )
    group by collected.planfix_id

),

recent_travellers as (

    select distinct planfix_id
    from trips
    where is_recent

),

checked as (

    select
        pairs.*,
        -- different phones and different mails at one employer: two verified people
        not pairs.has_same_trip
        and coalesce(
            not left_channels.phones && right_channels.phones
            and not left_channels.emails && right_channels.emails,
            false
        ) as do_channels_contradict,
        left_records.birth_date <> right_records.birth_date
            as do_birth_dates_contradict,
        case
            when pairs.left_name_id = pairs.right_name_id then 4
            else {{ name_grade('left_names', 'right_names') }}
        end as name_grade,
        left_traveller.planfix_id is not null
        or right_traveller.planfix_id is not null as has_recent_trip
    from pairs
    inner join records as left_records
        on pairs.left_planfix_id = left_records.planfix_id
    inner join records as right_records
        on pairs.right_planfix_id = right_records.planfix_id
    inner join names as left_names
        on pairs.left_name_id = left_names.name_id
    inner join names as right_names
        on pairs.right_name_id = right_names.name_id
    left outer join own_channels as left_channels
        on pairs.left_planfix_id = left_channels.planfix_id
    left outer join own_channels as right_channels
        on pairs.right_planfix_id = right_channels.planfix_id
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
        and not do_channels_contradict
        and not coalesce(do_birth_dates_contradict, false)

)

select * from final
