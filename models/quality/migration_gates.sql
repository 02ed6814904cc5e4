with

rules as (

    select * from {{ ref('gates') }}

),

measurements as (

    select * from {{ ref('gate_measurements') }}

),

waivers as (

    select * from {{ state_relation('waivers') }}

),

blast_radius as (

    select * from {{ ref('publish_blast_radius') }}

),

measured as (

    select
        rules.gate,
        rules.area,
        rules.criterion,
        rules.comparison,
        rules.unit,
        rules.owner,
        rules.action,
        measurements.value,
        measurements.numerator,
        measurements.denominator,
        rules.limit_value
    from rules
    left outer join measurements on rules.gate = measurements.gate

    union all

    select
        gate,
        'blast_radius' as area,
        rtrim(description, '.') as criterion,
        '<=' as comparison,
        'share' as unit,
        'Owner' as owner,
        'Look at the rows with publish_blast_radius.how_to_look; when they are right, '
        || 'the Owner allows them with how_to_allow' as action,
        value,
        affected as numerator,
        live as denominator,
        limit_value
    from blast_radius

),

-- a later waiver of a gate takes the place of the earlier one, also to end it
latest_waivers as (

    select distinct on (gate) *
    from waivers
    order by gate asc, waiver_id desc

),

judged as (

    select
        measured.*,
        -- what could not be measured has not passed
        coalesce(
            {{ gate_is_met(
                'measured.comparison', 'measured.value', 'measured.limit_value'
            ) }},
            false
        ) as is_met,
        latest_waivers.limit_value as waiver_limit,
        latest_waivers.granted_by as waived_by,
        latest_waivers.granted_at as waived_at,
        latest_waivers.valid_until as waived_until,
        latest_waivers.reason as waiver_reason,
        coalesce(
            latest_waivers.valid_until > now()
            and measured.value is not null
            and (
                latest_waivers.limit_value is null
                or {{ gate_is_met(
                    'measured.comparison', 'measured.value', 'latest_waivers.limit_value'
                ) }}
            ),
            false
        ) as is_covered
    from measured
    left outer join latest_waivers on measured.gate = latest_waivers.gate

),

final as (

    select
        gate,
        area,
        criterion,
        comparison,
        unit,
        -- unrounded: 0.98999999 is not 0.99
        value,
        limit_value,
        numerator,
        denominator,
        is_met,
        is_covered and not is_met as is_waived,
        is_met or is_covered as passed,
        case when is_covered and not is_met then waiver_limit end as waiver_limit,
        case when is_covered and not is_met then waived_by end as waived_by,
        case when is_covered and not is_met then waived_at end as waived_at,
        case when is_covered and not is_met then waived_until end as waived_until,
        case when is_covered and not is_met then waiver_reason end as waiver_reason,
        criterion || ': '
        || case
            when value is null then 'not measured'
            when unit = 'share'
                then
                    trim_scale(round(value * 100, 3)) || ' % ('
                    || coalesce(numerator::text, '?') || ' of '
                    || coalesce(denominator::text, '?') || ')'
            else trim_scale(value)::text
        end || ', limit ' || comparison || ' '
        || case
            when unit = 'share' then trim_scale(limit_value * 100) || ' %'
            else trim_scale(limit_value)::text
        end || '; '
        || case
            when is_met then 'passed.'
            when is_covered
                then
                    'waived by ' || waived_by || ' until '
                    || to_char(waived_until at time zone 'UTC', 'YYYY-MM-DD') || '.'
            else 'failed. ' || action || '.'
        end as sentence,
        owner,
        action
    from judged

)

select * from final
