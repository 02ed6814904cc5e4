with

contact_points as (

    select * from {{ ref('int_contact_points__normalized') }}

),

members as (

    select * from {{ ref('int_customers__members') }}

),

shared_points as (

    select * from {{ ref('int_contact_points__shared') }}

),

rules as (

    select * from {{ ref('survivorship_rules') }}
    where field in ('primary_phone', 'primary_email', 'primary_messenger')

),

decisions as (

    select distinct on (customer_id, field)
        customer_id,
        field,
        planfix_id
    from {{ state_relation('field_decisions') }}
    where field in ('primary_phone', 'primary_email')
    order by customer_id asc, field asc, decision_id desc

),

-- read twice: put aside, all points of contact would go to disk once more
offered as not materialized (

    select
        members.customer_id,
        contact_points.planfix_id,
        contact_points.channel,
        contact_points.value,
        contact_points.extension,
        contact_points.label,
        contact_points.country_code,
        contact_points.timezone,
        contact_points.match_key,
        contact_points.source_position,
        members.has_api,
        members.source_created_at,
        members.source_updated_at,
        members.filled_count,
        members.record_count
    from contact_points
    inner join members on contact_points.planfix_id = members.planfix_id

),

-- the card touched last gives label and country of a value that several cards have
repeated as (

    select distinct on (
        offered.customer_id, offered.channel, offered.value, offered.extension
    )
        offered.*,
        bool_or(
            coalesce(decisions.planfix_id = offered.planfix_id, false)
        ) over same_value as is_decided,
        count(*) over same_value as card_count
    from offered
    left outer join decisions
        on
            offered.customer_id = decisions.customer_id
            and decisions.field = case offered.channel
                when 'phone' then 'primary_phone'
                when 'email' then 'primary_email'
            end
    where offered.record_count > 1
    window
        same_value as (
            partition by
                offered.customer_id, offered.channel, offered.value, offered.extension
        )
    order by
        offered.customer_id asc, offered.channel asc, offered.value asc,
        offered.extension asc, offered.source_updated_at desc nulls last,
        offered.planfix_id asc

),

merged as (

    select
        *,
        false as is_decided,
        1 as card_count
    from offered
    where record_count = 1
    union all
    select * from repeated

),

measured as (

    select
        merged.customer_id,
        merged.planfix_id,
        merged.channel,
        merged.value,
        merged.extension,
        merged.label,
        merged.country_code,
        merged.timezone,
        merged.source_position,
        merged.is_decided,
        rules.step_1,
        rules.step_2,
        rules.step_3,
        rules.step_4,
        case when merged.has_api then 1 else 0 end::double precision as source_score,
        coalesce(extract(epoch from merged.source_updated_at), -1e12)::double precision
            as recency_score,
        -coalesce(extract(epoch from merged.source_created_at), 1e12)::double precision
            as age_score,
        merged.filled_count::double precision as completeness_score,
        merged.card_count::double precision as frequency_score,
        length(merged.value)::double precision as length_score,
        0::double precision as earliest_score,
        case
            when shared_points.planfix_id is null then 1 else 0
        end::double precision as personal_score,
        case
            when merged.extension <> '' then 0
            when merged.label = 'mobile' then 2
            else 1
        end::double precision as mobile_score
    from merged
    inner join rules
        on
            rules.field = case merged.channel
                when 'phone' then 'primary_phone'
                when 'email' then 'primary_email'
                else 'primary_messenger'
            end
    left outer join shared_points
        on
            merged.planfix_id = shared_points.planfix_id
            and merged.channel = shared_points.channel
            and merged.value = shared_points.value

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, channel
            order by
                is_decided desc,
                {{ survivorship_score('step_1') }} desc,
                {{ survivorship_score('step_2') }} desc,
                {{ survivorship_score('step_3') }} desc,
                {{ survivorship_score('step_4') }} desc,
                source_position asc,
                planfix_id asc,
                value asc,
                extension asc
        ) as place
    from measured

),

final as (

    select
        {{ child_id(['customer_id', 'channel', 'value', 'extension']) }} as id,
        customer_id,
        planfix_id,
        channel,
        value,
        extension,
        label,
        country_code,
        timezone,
        place,
        place = 1 as is_primary,
        case when is_decided then 'decision' else step_1 end as rule
    from ranked

)

select * from final
