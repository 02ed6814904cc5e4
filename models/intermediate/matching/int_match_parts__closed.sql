-- The persons of components that half a name or an employer holds together, and which
-- of them keys or trips join.

with

components as not materialized (

    select * from {{ ref('int_clusters__connected') }}

),

records as (

    select * from {{ ref('int_match_records__prepared') }}

),

links as not materialized (

    select * from {{ ref('int_match_links__scored') }}

),

graded_links as not materialized (

    select
        left_record_number,
        right_record_number,
        link_class = 'weak' or key_kind = 'employer' as is_loose
    from links

),

loose_components as (

    select distinct components.component
    from graded_links
    inner join components
        on graded_links.left_record_number = components.record_number
    where graded_links.is_loose

),

loose_cards as materialized (

    select
        components.component,
        components.record_number
    from loose_components
    inner join components
        on loose_components.component = components.component

),

strong_edges as (

    select distinct
        graded_links.left_record_number,
        graded_links.right_record_number
    from graded_links
    inner join loose_cards
        on graded_links.left_record_number = loose_cards.record_number
    where not graded_links.is_loose

),

-- a card that nothing strong joins to an earlier one is a part by itself
strong_labels as materialized (

    select
        labels.record_number::int as record_number,
        labels.strong_component
    from (
        select
            array_agg(left_record_number) as left_numbers,
            array_agg(right_record_number) as right_numbers
        from strong_edges
    ) as edge_arrays
    cross join
        lateral unnest({{ matching_schema() }}.connected_components(
            edge_arrays.left_numbers,
            edge_arrays.right_numbers,
            (
                select coalesce(max(strong_edges.right_record_number), 0)
                from strong_edges
            )
        )) with ordinality as labels (strong_component, record_number)
    where labels.record_number <> labels.strong_component

),

final as (

    select
        records.planfix_id,
        loose_cards.component,
        coalesce(strong_labels.strong_component, loose_cards.record_number)
            as strong_component
    from loose_cards
    inner join records
        on loose_cards.record_number = records.record_number
    left outer join strong_labels
        on loose_cards.record_number = strong_labels.record_number
    where records.kind = 'person'

)

select * from final
