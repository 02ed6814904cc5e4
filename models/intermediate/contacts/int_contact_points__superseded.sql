-- Points that only the older of API and export shows, for records that have both. The
-- API lists every point of a card; a cell of an export may show only the main one. So
-- the older source's own points go when the newer source is the API and has any, or is
-- an export whose cell has at least as many; otherwise both stay, because a point too
-- many can be corrected, a lost one not.

with

contacts as (

    select
        planfix_id,
        csv_is_newer
    from {{ ref('int_contacts__normalized') }}
    where
        has_api
        and has_csv

),

points as (

    select
        parsed.contact_point_key,
        parsed.planfix_id,
        parsed.channel,
        contacts.csv_is_newer,
        bool_or(parsed.source = 'api') as in_api,
        bool_or(parsed.source = 'csv') as in_csv,
        bool_or(parsed.source not in ('api', 'csv')) as in_other
    from {{ ref('int_contact_points__parsed') }} as parsed
    inner join contacts
        on parsed.planfix_id = contacts.planfix_id
    where parsed.is_valid
    group by
        parsed.contact_point_key,
        parsed.planfix_id,
        parsed.channel,
        contacts.csv_is_newer

),

counted as (

    select
        *,
        count(*) filter (where in_api)
            over (partition by planfix_id, channel) as api_count,
        count(*) filter (where in_csv)
            over (partition by planfix_id, channel) as csv_count
    from points

),

final as (

    select
        contact_point_key,
        planfix_id,
        channel
    from counted
    where
        not in_other
        and case
            when csv_is_newer then in_api and not in_csv and csv_count >= api_count
            else in_csv and not in_api and api_count > 0
        end

)

select * from final
