-- The clusters: what the accepted links join. A component of which no link was cut is
-- one; the others are closed once more. The id is the cluster's least contact number.

with

records as not materialized (

    select * from {{ ref('int_match_records__prepared') }}

),

resolved as not materialized (

    select * from {{ ref('int_match_links__resolved') }}

),

components as not materialized (

    select * from {{ ref('int_clusters__connected') }}

),

torn as materialized (

    select distinct component
    from resolved
    where outcome = 'cut'

),

-- numbered anew, so that closure works on these few
torn_cards as materialized (

    select
        components.record_number,
        row_number() over (order by components.record_number)::int as member
    from components
    inner join torn
        on components.component = torn.component

),

edges as (

    select distinct
        left_card.member as left_member,
        right_card.member as right_member
    from resolved
    inner join torn_cards as left_card
        on resolved.left_record_number = left_card.record_number
    inner join torn_cards as right_card
        on resolved.right_record_number = right_card.record_number
    where resolved.outcome = 'accepted'

),

closed_anew as materialized (

    select
        labels.member,
        labels.first_member
    from (
        select
            array_agg(left_member) as left_members,
            array_agg(right_member) as right_members
        from edges
    ) as edge_arrays
    cross join
        lateral unnest({{ matching_schema() }}.connected_components(
            edge_arrays.left_members,
            edge_arrays.right_members,
            (select count(*)::int from torn_cards)
        )) with ordinality as labels (first_member, member)

),

reattached as (

    select
        torn_cards.record_number,
        first_cards.record_number as first_record_number
    from closed_anew
    inner join torn_cards
        on closed_anew.member = torn_cards.member
    inner join torn_cards as first_cards
        on closed_anew.first_member = first_cards.member

),

-- most cards are joined to no other: only those that are are put aside
members as materialized (

    select
        components.record_number,
        coalesce(reattached.first_record_number, components.component)
            as first_record_number
    from components
    left outer join reattached
        on components.record_number = reattached.record_number

),

clusters as (

    select
        members.first_record_number,
        min(records.planfix_id) as cluster_id,
        count(*)::int as cluster_size
    from members
    inner join records
        on members.record_number = records.record_number
    group by members.first_record_number

),

final as (

    select
        records.planfix_id,
        coalesce(clusters.cluster_id, records.planfix_id) as cluster_id,
        coalesce(clusters.cluster_size, 1) as cluster_size,
        records.kind
    from records
    left outer join members
        on records.record_number = members.record_number
    left outer join clusters
        on members.first_record_number = clusters.first_record_number

)

select * from final
