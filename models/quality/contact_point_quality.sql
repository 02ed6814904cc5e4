with

identities as (

    select * from {{ ref('int_customers__cards') }}

),

contacts as not materialized (

    select * from {{ ref('int_contacts__normalized') }}

),

points as (

    select * from {{ ref('int_contact_points__normalized') }}

),

quarantine as (

    select * from {{ ref('quarantine') }}

),

-- a rejected number has no country of its own: it counts where its card belongs
valid_points as (

    select
        points.channel,
        coalesce(points.country_code, contacts.region_code) as country_code,
        count(*) as points
    from points
    inner join identities on points.planfix_id = identities.planfix_id
    inner join contacts on points.planfix_id = contacts.planfix_id
    group by points.channel, coalesce(points.country_code, contacts.region_code)

),

rejected_points as (

    select
        quarantine.field as channel,
        contacts.region_code as country_code,
        quarantine.reason_code,
        count(*) as points
    from quarantine
    inner join contacts on quarantine.planfix_id = contacts.planfix_id
    where
        quarantine.subject = 'contact_point'
        and quarantine.customer_id is not null
        and quarantine.severity = 'defect'
    group by quarantine.field, contacts.region_code, quarantine.reason_code

),

final as (

    select
        channel || ':valid:' || coalesce(country_code, '') as quality_key,
        channel,
        country_code,
        'valid' as verdict,
        null as reason_code,
        points
    from valid_points
    union all
    select
        channel || ':' || reason_code || ':' || coalesce(country_code, '')
            as quality_key,
        channel,
        country_code,
        'rejected' as verdict,
        reason_code,
        points
    from rejected_points

)

select * from final
