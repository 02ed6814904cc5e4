with

identities as (

    select * from {{ ref('int_identity__assigned') }}

),

valid_points as (

    select
        points.channel,
        points.country_code,
        count(*) as points
    from {{ ref('int_contact_points__normalized') }} as points
    inner join identities on points.planfix_id = identities.planfix_id
    group by points.channel, points.country_code

),

quarantined as (

    select
        field as channel,
        reason_code,
        count(*) as points
    from {{ ref('quarantine') }}
    where
        subject = 'contact_point'
        and customer_id is not null
    group by field, reason_code

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
        channel || ':rejected:' || reason_code as quality_key,
        channel,
        null as country_code,
        'rejected' as verdict,
        reason_code,
        points
    from quarantined

)

select * from final
