-- Cards that any link joins, before contradictions are looked for. A component beyond
-- the fuse keeps only the links of equal full names: a missed hub must cost recall, not
-- the run.
{{ config(pre_hook="{{ matching_functions() }}") }}

with

links as not materialized (

    select * from {{ ref('int_match_links__scored') }}

),

records as (

    select * from {{ ref('int_match_records__prepared') }}

),

edges as (

    select distinct
        left_record_number,
        right_record_number
    from links

),

-- most cards are alone or the first of their component: only the others are put aside
attached as materialized (

    select
        labels.record_number::int as record_number,
        labels.component
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
        )) with ordinality as labels (component, record_number)
    where labels.record_number <> labels.component

),

sizes as (

    select
        component,
        count(*) + 1 as record_count
    from attached
    group by component

),

labelled as (

    select
        record_number,
        component
    from attached

    union all

    select
        component as record_number,
        component
    from sizes

),

beyond_fuse as (

    select labelled.record_number
    from labelled
    inner join sizes
        on labelled.component = sizes.component
    where sizes.record_count > {{ setting('component_fuse') }}

),

certain_edges as (

    select distinct
        links.left_record_number,
        links.right_record_number
    from links
    inner join beyond_fuse
        on links.left_record_number = beyond_fuse.record_number
    where coalesce(links.name_grade, 4) = 4

),

relabelled as materialized (

    select
        labels.record_number::int as record_number,
        labels.component
    from (
        select
            array_agg(left_record_number) as left_numbers,
            array_agg(right_record_number) as right_numbers
        from certain_edges
    ) as edge_arrays
    cross join lateral unnest({{ matching_schema() }}.connected_components(
        edge_arrays.left_numbers,
        edge_arrays.right_numbers,
        (
            select case when count(*) > 0 then max(record_number) else 0 end
            from beyond_fuse
        )
    )) with ordinality as labels (component, record_number)

),

final as (

    select
        labelled.record_number,
        coalesce(relabelled.component, labelled.component) as component,
        beyond_fuse.record_number is not null as is_beyond_fuse
    from labelled
    inner join sizes
        on labelled.component = sizes.component
    left outer join beyond_fuse
        on labelled.record_number = beyond_fuse.record_number
    left outer join relabelled
        on beyond_fuse.record_number = relabelled.record_number

)

select * from final
