-- Fails for a cell that no parsed value comes from (unless it says nothing, such as a
-- dash), and for a parsed value that is neither among the valid points nor among the
-- rejected ones, or among both. Why: a phone that disappears between two models is the
-- loss this project exists to prevent. Shows keys and channels, no values.
{{ config(meta={'asked_by': 'card'}) }}

with

parsed as (

    select
        contact_point_key,
        planfix_id,
        channel
    from {{ ref('int_contact_points__parsed') }}

),

published as (

    select contact_point_key
    from {{ ref('int_contact_points__normalized') }}

),

rejected as (

    select contact_point_key
    from {{ ref('int_contact_points__rejected') }}

)

select
    parsed.contact_point_key,
    parsed.planfix_id,
    parsed.channel,
    published.contact_point_key is not null as is_published,
    rejected.contact_point_key is not null as is_rejected
from parsed
left outer join published
    on parsed.contact_point_key = published.contact_point_key
left outer join rejected
    on parsed.contact_point_key = rejected.contact_point_key
where (published.contact_point_key is null) = (rejected.contact_point_key is null)

union all

select
    null as contact_point_key,
    cells.planfix_id,
    cells.channel,
    false as is_published,
    false as is_rejected
from {{ ref('int_contact_points__collected') }} as cells
where
    -- an address that is a link to nothing says nothing either: mailto:-
    regexp_replace(cells.raw_value, '^\s*mailto:', '', 'i') ~ '[[:alnum:]]'
    and not exists (
        select from {{ ref('int_contact_points__parsed') }} as parsed_value
        where
            cells.planfix_id = parsed_value.planfix_id
            and cells.source = parsed_value.source
            and cells.source_position = parsed_value.source_position
    )
