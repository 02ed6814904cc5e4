-- Valid points, one per record, channel, value and extension. The position orders a
-- record's points of one channel: a person's decision first, then the newer source,
-- then custom fields, then the older source, each in its own order.

with

points as (

    select * from {{ ref('int_contact_points__parsed') }}
    where is_valid

),

contacts as (

    select
        planfix_id,
        csv_is_newer
    from {{ ref('int_contacts__normalized') }}
    where has_csv

),

superseded as (

    select contact_point_key from {{ ref('int_contact_points__superseded') }}

),

ranked as (

    select
        points.*,
        case
            when points.source = 'decision' then 0
            when points.source = 'custom_field' then 2
            when (points.source = 'csv') = coalesce(contacts.csv_is_newer, false) then 1
            else 3
        end as source_rank
    from points
    left outer join contacts
        on points.planfix_id = contacts.planfix_id

),

distinct_points as (

    select distinct on (contact_point_key) *
    from ranked
    order by contact_point_key, source_rank, source_position, part_position

),

final as (

    select
        distinct_points.contact_point_key,
        distinct_points.planfix_id,
        distinct_points.channel,
        distinct_points.value,
        distinct_points.extension,
        distinct_points.label,
        distinct_points.country_code,
        distinct_points.timezone,
        distinct_points.match_key,
        distinct_points.number_type,
        distinct_points.source,
        (
            distinct_points.source_rank * 1000000
            + least(distinct_points.source_position, 9999) * 100
            + least(distinct_points.part_position, 99)
        ) as source_position
    from distinct_points
    left outer join superseded
        on distinct_points.contact_point_key = superseded.contact_point_key
    where superseded.contact_point_key is null

)

select * from final
