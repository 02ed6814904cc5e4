-- What is not published and why: not valid, taken out by a decision, or no longer shown
-- by the newer source. Nothing that stands in a cell is lost: valid and rejected
-- together are all of it.

with

points as (

    select * from {{ ref('int_contact_points__parsed') }}

),

superseded as (

    select contact_point_key from {{ ref('int_contact_points__superseded') }}

),

candidates as (

    select
        points.contact_point_key,
        points.planfix_id,
        points.channel,
        points.raw_value,
        case when points.is_valid then 'superseded' else points.reason_code end
            as reason_code,
        points.decision,
        points.source,
        points.source_position,
        points.part_position
    from points
    left outer join superseded
        on points.contact_point_key = superseded.contact_point_key
    where
        not points.is_valid
        or superseded.contact_point_key is not null

),

final as (

    select distinct on (contact_point_key)
        contact_point_key,
        planfix_id,
        channel,
        raw_value,
        coalesce(reason_code, 'unknown') as reason_code,
        decision,
        source,
        source_position
    from candidates
    order by contact_point_key, source collate "C", source_position, part_position

)

select * from final
