-- What speaks against two cards of one component being one client. A component is
-- joined over other cards, so its two ends have never been compared before.

with

components as not materialized (

    select * from {{ ref('int_clusters__connected') }}

),

records as (

    select * from {{ ref('int_match_records__prepared') }}

),

names as not materialized (

    select * from {{ ref('int_match_names__variants') }}

),

spelling_pairs as not materialized (

    select * from {{ ref('int_match_spellings__joined') }}

),

parts as (

    select * from {{ ref('int_match_parts__contradicting') }}

),

decisions as not materialized (

    select * from {{ ref('int_match_decisions__effective') }}
    where is_in_force

),

members as (

    select
        components.component,
        records.record_number,
        records.planfix_id,
        records.kind,
        records.name_id,
        records.sex,
        records.birth_date,
        records.registration_number
    from components
    inner join records
        on components.record_number = records.record_number

),

-- what meets on an identifier has been graded before; put aside, so that all cores
-- grade the rest
newly_graded as materialized (

    select
        spelling_pairs.component,
        spelling_pairs.left_name_id,
        spelling_pairs.right_name_id,
        {{ name_grade('left_names', 'right_names') }} as name_grade
    from spelling_pairs
    inner join names as left_names
        on spelling_pairs.left_planfix_id = left_names.planfix_id
    inner join names as right_names
        on spelling_pairs.right_planfix_id = right_names.planfix_id
    where spelling_pairs.name_grade is null

),

-- they are few
contradicting_spellings as materialized (

    select
        component,
        left_name_id,
        right_name_id
    from spelling_pairs
    where name_grade < 0

    union all

    select
        component,
        left_name_id,
        right_name_id
    from newly_graded
    where name_grade < 0

),

-- as few, or every member would be looked up for them
members_at_odds as materialized (

    select
        component,
        record_number,
        name_id
    from members
    where
        component in (
            select contradicting_spellings.component from contradicting_spellings
        )

),

by_name as (

    select
        left_member.record_number as left_record_number,
        right_member.record_number as right_record_number,
        'names' as reason_code
    from contradicting_spellings
    inner join members_at_odds as left_member
        on
            contradicting_spellings.component = left_member.component
            and contradicting_spellings.left_name_id = left_member.name_id
    inner join members_at_odds as right_member
        on
            contradicting_spellings.component = right_member.component
            and contradicting_spellings.right_name_id = right_member.name_id

),

-- names say the sex themselves; a card without a name may state it
nameless as (

    select
        component,
        record_number,
        sex
    from members
    where
        name_id is null
        and sex is not null

),

by_sex as (

    select
        nameless.record_number as left_record_number,
        members.record_number as right_record_number,
        'sexes' as reason_code
    from nameless
    inner join members
        on
            nameless.component = members.component
            and nameless.sex <> members.sex

),

-- said outright, since the planner does not see that a comparison leaves nulls out
born as (

    select
        component,
        record_number,
        birth_date
    from members
    where birth_date is not null

),

by_birth_date as (

    select
        left_member.record_number as left_record_number,
        right_member.record_number as right_record_number,
        'birth_dates' as reason_code
    from born as left_member
    inner join born as right_member
        on
            left_member.component = right_member.component
            and left_member.record_number < right_member.record_number
            and left_member.birth_date <> right_member.birth_date

),

registered as (

    select
        component,
        record_number,
        registration_number
    from members
    where registration_number is not null

),

by_registration_number as (

    select
        left_member.record_number as left_record_number,
        right_member.record_number as right_record_number,
        'registration_numbers' as reason_code
    from registered as left_member
    inner join registered as right_member
        on
            left_member.component = right_member.component
            and left_member.record_number < right_member.record_number
            and left_member.registration_number <> right_member.registration_number

),

by_decision as (

    select
        left_record_number,
        right_record_number,
        'decision' as reason_code
    from decisions
    where verdict = 'different'

),

by_channel as (

    select
        left_record_number,
        right_record_number,
        'channels' as reason_code
    from parts

),

every_contradiction as materialized (

    select * from by_name

    union all

    select * from by_sex

    union all

    select * from by_birth_date

    union all

    select * from by_registration_number

    union all

    select * from by_decision

    union all

    select * from by_channel

),

-- Cards that a person joined speak with one voice: another card contradicts them only
-- when it contradicts each of them. "Different" binds whatever else is said.
joined_cards as materialized (

    select
        labels.record_number::int as record_number,
        labels.unit
    from (
        select
            array_agg(left_record_number) as left_numbers,
            array_agg(right_record_number) as right_numbers,
            coalesce(max(greatest(left_record_number, right_record_number)), 0)
                as member_count
        from decisions
        where verdict = 'same'
    ) as edge_arrays
    cross join lateral unnest({{ matching_schema() }}.connected_components(
        edge_arrays.left_numbers, edge_arrays.right_numbers, edge_arrays.member_count
    )) with ordinality as labels (unit, record_number)

),

torn_components as (

    select distinct members.component
    from every_contradiction
    inner join members
        on every_contradiction.left_record_number = members.record_number

),

units as (

    select
        members.component,
        members.record_number,
        coalesce(joined_cards.unit, members.record_number) as unit
    from members
    inner join torn_components
        on members.component = torn_components.component
    left outer join joined_cards
        on members.record_number = joined_cards.record_number

),

unit_sizes as (

    select
        unit,
        count(*) as record_count
    from units
    group by unit

),

weighed as (

    select
        least(
            every_contradiction.left_record_number,
            every_contradiction.right_record_number
        ) as left_record_number,
        greatest(
            every_contradiction.left_record_number,
            every_contradiction.right_record_number
        ) as right_record_number,
        every_contradiction.reason_code,
        left_unit.component,
        least(left_unit.unit, right_unit.unit) as left_unit,
        greatest(left_unit.unit, right_unit.unit) as right_unit,
        left_size.record_count * right_size.record_count as unit_pairs
    from every_contradiction
    inner join units as left_unit
        on every_contradiction.left_record_number = left_unit.record_number
    inner join units as right_unit
        on
            every_contradiction.right_record_number = right_unit.record_number
            and left_unit.component = right_unit.component
    inner join unit_sizes as left_size
        on left_unit.unit = left_size.unit
    inner join unit_sizes as right_size
        on right_unit.unit = right_size.unit

),

-- one pair may contradict itself for several reasons
contradicting_pairs as (

    select
        left_unit,
        right_unit,
        left_record_number,
        right_record_number,
        min(unit_pairs) as unit_pairs,
        bool_or(reason_code = 'decision') as is_decided,
        -- said of all cards on either side, though only the first ones are named
        bool_or(reason_code = 'channels') as is_of_whole_parts
    from weighed
    group by left_unit, right_unit, left_record_number, right_record_number

),

one_voice as (

    select
        left_unit,
        right_unit
    from contradicting_pairs
    group by left_unit, right_unit
    having
        bool_or(is_decided)
        or (
            left_unit <> right_unit
            and (bool_or(is_of_whole_parts) or count(*) >= min(unit_pairs))
        )

),

final as (

    select
        weighed.component,
        weighed.left_record_number,
        weighed.right_record_number,
        min(weighed.reason_code) as reason_code
    from weighed
    inner join one_voice
        on
            weighed.left_unit = one_voice.left_unit
            and weighed.right_unit = one_voice.right_unit
    -- within a unit only "different" counts, and it shows as a contradicting pair of
    -- decisions
    where
        weighed.left_unit <> weighed.right_unit
        or weighed.reason_code = 'decision'
    group by
        weighed.component,
        weighed.left_record_number,
        weighed.right_record_number

)

select * from final
