-- The clusters: what the accepted links join. The id is the cluster's least contact
-- number.

with

records as not materialized (

    select * from {{ ref('int_match_records__prepared') }}

),

resolved as (

    select * from {{ ref('int_match_links__resolved') }}

),

edges as (

    select distinct
        left_record_number,
        right_record_number
    from resolved
    where outcome = 'accepted'

),

-- most cards are alone or the first of their cluster: only the others are put aside
attached as materialized (

    select
        labels.record_number::int as record_number,
        labels.first_record_number
    from (
        select
            array_agg(left_record_number) as left_numbers,
            array_agg(right_record_number) as right_numbers
        from edges
    ) as edge_arrays
    cross join
        lateral unnest({{ matching_schema() }}.connected_components(
            edge_arrays.left_numbers,
            edge_arrays.right_numbers,
            (select count(*)::int from records)
        )) with ordinality as labels (first_record_number, record_number)
    where labels.record_number <> labels.first_record_number

),

clusters as (

    select
        attached.first_record_number,
        first_records.planfix_id as cluster_id,
        count(*)::int + 1 as cluster_size
    from attached
    inner join records as first_records
        on attached.first_record_number = first_records.record_number
    group by attached.first_record_number, first_records.planfix_id

),

final as (

    select
        records.planfix_id,
        coalesce(clusters.cluster_id, records.planfix_id) as cluster_id,
        coalesce(clusters.cluster_size, 1) as cluster_size,
        records.kind
    from records
    left outer join attached
        on records.record_number = attached.record_number
    left outer join clusters
        on
            coalesce(attached.first_record_number, records.record_number)
            = clusters.first_record_number

)

select * from final
