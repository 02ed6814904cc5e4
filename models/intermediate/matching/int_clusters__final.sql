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

labelled as materialized (

    select
        labels.record_number::int as record_number,
        labels.first_record_number
    from (
        select
            array_agg(left_record_number) as left_numbers,
            array_agg(right_record_number) as right_numbers
        from edges
    ) as edge_arrays
    cross join lateral unnest({{ matching_schema() }}.connected_components(
        edge_arrays.left_numbers,
        edge_arrays.right_numbers,
        (select count(*)::int from records)
    )) with ordinality as labels (first_record_number, record_number)

),

final as (

    select
        records.planfix_id,
        first_records.planfix_id as cluster_id,
        count(*) over (partition by labelled.first_record_number)::int as cluster_size,
        records.kind
    from labelled
    inner join records
        on labelled.record_number = records.record_number
    inner join records as first_records
        on labelled.first_record_number = first_records.record_number

)

select * from final
