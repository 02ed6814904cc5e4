-- Words of people that cannot both be followed: "different" on two cards that "same",
-- pair by pair, makes one. Neither wins: the cards stay apart and the case goes to the
-- review queue.
{{ config(pre_hook="{{ matching_functions() }}") }}

with

decisions as not materialized (

    select * from {{ ref('int_match_decisions__effective') }}
    where is_in_force

),

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

placed as (

    select
        decisions.*,
        left_card.unit as left_unit,
        right_card.unit as right_unit
    from decisions
    inner join joined_cards as left_card
        on decisions.left_record_number = left_card.record_number
    inner join joined_cards as right_card
        on decisions.right_record_number = right_card.record_number
    where decisions.verdict in ('same', 'different')

),

torn_units as (

    select distinct left_unit as unit
    from placed
    where
        verdict = 'different'
        and left_unit = right_unit

),

final as (

    select
        placed.decision_id,
        placed.left_planfix_id,
        placed.right_planfix_id,
        placed.verdict,
        placed.decided_by,
        placed.decided_at,
        min(placed.left_planfix_id) over same_unit as conflict_planfix_id
    from placed
    inner join torn_units
        on
            placed.left_unit = torn_units.unit
            and placed.right_unit = torn_units.unit
    window same_unit as (partition by torn_units.unit)

)

select * from final
