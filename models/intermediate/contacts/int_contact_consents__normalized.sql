-- Consents stand in custom fields: a list or text ("Да"), a box, or an opt-out ("Не
-- звонить"). An opt-out that is not set says nothing; every other value is kept, one
-- that the mapping does not know as `unknown`. Of several fields about one channel and
-- purpose the strictest counts.

with

custom_values as (

    select * from {{ ref('int_contact_custom_values__mapped') }}
    where target in ('consent', 'consent_opt_out')

),

contacts as (

    select
        planfix_id,
        source_updated_at
    from {{ ref('int_contacts__normalized') }}

),

statuses as (

    select
        lower({{ tidied('raw_value') }}) as value_key,
        min(lower({{ trimmed('status') }})) as status
    from {{ ref('consent_values') }}
    group by lower({{ tidied('raw_value') }})

),

stated as (

    select
        custom_values.*,
        coalesce(
            statuses.status,
            case lower(custom_values.value_text)
                when 'true' then 'granted'
                when 'false' then 'denied'
                else 'unknown'
            end
        ) as stated_status
    from custom_values
    left outer join statuses
        on lower({{ tidied('custom_values.value_text') }}) = statuses.value_key

),

judged as (

    select
        planfix_id,
        custom_field_id,
        channel,
        coalesce(purpose, 'marketing') as purpose,
        value_text,
        observed_at,
        case
            when target = 'consent' then stated_status
            when stated_status = 'granted' then 'denied'
            when stated_status = 'unknown' then 'unknown'
        end as status
    from stated
    where channel is not null

),

strictest as (

    select distinct on (planfix_id, channel, purpose) *
    from judged
    where status is not null
    order by
        planfix_id,
        channel,
        purpose,
        case status when 'denied' then 1 when 'unknown' then 2 else 3 end,
        custom_field_id

),

final as (

    select
        strictest.planfix_id,
        strictest.channel,
        strictest.purpose,
        strictest.status,
        'planfix' as source,
        'custom field ' || strictest.custom_field_id || ': ' || strictest.value_text
            as evidence,
        -- when the card last changed is the best that is known about when it was said
        coalesce(contacts.source_updated_at, strictest.observed_at) as captured_at
    from strictest
    inner join contacts
        on strictest.planfix_id = contacts.planfix_id

)

select * from final
