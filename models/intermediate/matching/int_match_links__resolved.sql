-- Which links stand. In components without a contradiction all do; in the others the
-- weakest fall (see the function resolve_contradictions).
{{ config(pre_hook="{{ matching_functions() }}") }}

with

links as (

    select * from {{ ref('int_match_links__scored') }}

),

components as not materialized (

    select * from {{ ref('int_clusters__connected') }}

),

contradictions as not materialized (

    select * from {{ ref('int_match_contradictions__found') }}

),

placed as not materialized (

    select
        links.link_key,
        links.left_record_number,
        links.right_record_number,
        links.strength,
        left_component.component,
        -- what the fuse left out joins two components now
        left_component.component <> right_component.component
        or (left_component.is_beyond_fuse and coalesce(links.name_grade, 4) < 4)
            as is_fused
    from links
    inner join components as left_component
        on links.left_record_number = left_component.record_number
    inner join components as right_component
        on links.right_record_number = right_component.record_number

),

contradictory as (

    select distinct component
    from contradictions

),

-- several keys in common weigh more than one
pairs as (

    select
        placed.component,
        placed.left_record_number,
        placed.right_record_number,
        max(placed.strength) + least(count(*) - 1, 3)::int as pair_strength
    from placed
    inner join contradictory
        on placed.component = contradictory.component
    where not placed.is_fused
    group by
        placed.component,
        placed.left_record_number,
        placed.right_record_number

),

members as (

    select
        record_number,
        row_number() over (order by record_number)::int as member
    from (
        select left_record_number as record_number from pairs
        union
        select right_record_number as record_number from pairs
        union
        select left_record_number as record_number from contradictions
        union
        select right_record_number as record_number from contradictions
    ) as every_member

),

numbered_pairs as (

    select
        pairs.left_record_number,
        pairs.right_record_number,
        pairs.pair_strength,
        left_member.member as left_member,
        right_member.member as right_member,
        row_number() over (
            order by pairs.left_record_number, pairs.right_record_number
        ) as position
    from pairs
    inner join members as left_member
        on pairs.left_record_number = left_member.record_number
    inner join members as right_member
        on pairs.right_record_number = right_member.record_number

),

numbered_contradictions as (

    select
        left_member.member as left_member,
        right_member.member as right_member
    from contradictions
    inner join members as left_member
        on contradictions.left_record_number = left_member.record_number
    inner join members as right_member
        on contradictions.right_record_number = right_member.record_number

),

verdicts as materialized (

    select
        verdict.is_accepted,
        verdict.position
    from unnest({{ matching_schema() }}.resolve_contradictions(
        (select array_agg(left_member order by position) from numbered_pairs),
        (select array_agg(right_member order by position) from numbered_pairs),
        (select array_agg(pair_strength order by position) from numbered_pairs),
        (
            select array_agg(left_member order by left_member, right_member)
            from numbered_contradictions
        ),
        (
            select array_agg(right_member order by left_member, right_member)
            from numbered_contradictions
        ),
        (select count(*)::int from members)
    )) with ordinality as verdict (is_accepted, position)

),

cut_pairs as (

    select
        numbered_pairs.left_record_number,
        numbered_pairs.right_record_number
    from numbered_pairs
    inner join verdicts
        on numbered_pairs.position = verdicts.position
    where not verdicts.is_accepted

),

final as (

    select
        placed.link_key,
        placed.left_record_number,
        placed.right_record_number,
        placed.strength,
        placed.component,
        case
            when placed.is_fused then 'fused'
            when cut_pairs.left_record_number is not null then 'cut'
            else 'accepted'
        end as outcome
    from placed
    left outer join cut_pairs
        on
            placed.left_record_number = cut_pairs.left_record_number
            and placed.right_record_number = cut_pairs.right_record_number

)

select * from final
