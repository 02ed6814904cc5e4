{{ config(unlogged=false) }}

with

rejected_points as (

    select * from {{ ref('int_contact_points__rejected') }}

),

rejected_values as (

    select * from {{ ref('int_contact_values__rejected') }}

),

csv_lines as (

    select * from {{ ref('int_csv_lines__numbered') }}

),

rejected_lines as (

    select * from {{ ref('stg_planfix_csv__rejected_lines') }}

),

links as (

    select * from {{ ref('int_customer_links__merged') }}

),

contacts as (

    select * from {{ ref('int_contacts__normalized') }}

),

identities as (

    select * from {{ ref('int_customers__cards') }}

),

reasons as (

    select * from {{ ref('reason_codes') }}

),

decisions as (

    select * from {{ state_relation('value_decisions') }}

),

-- the keys of contact points are decided upstream, where a value can still be accepted
dropped as (

    select distinct on (contact_point_key)
        contact_point_key as quarantine_key,
        nullif(action, 'withdraw') as decision
    from decisions
    where contact_point_key ~ '^(value|line|link):'
    order by contact_point_key asc, decision_id desc

),

first_seen as (

    {{ first_seen(this, 'quarantine_key') }}

),

items as (

    select
        'contact_point:' || contact_point_key as quarantine_key,
        'contact_point' as subject,
        planfix_id,
        channel as field,
        raw_value,
        reason_code,
        decision,
        source,
        contact_point_key,
        null::text as file_name,
        null::int as line_number
    from rejected_points
    where reason_code <> 'empty'

    union all

    select
        'value:' || value_key as quarantine_key,
        'value' as subject,
        planfix_id,
        field,
        raw_value,
        reason_code,
        null as decision,
        source,
        null as contact_point_key,
        null as file_name,
        null as line_number
    from rejected_values

    union all

    select
        'line:' || file_sha256 || ':' || line_number as quarantine_key,
        'csv_line' as subject,
        null as planfix_id,
        'number' as field,
        number_text as raw_value,
        'missing_number' as reason_code,
        null as decision,
        'csv' as source,
        null as contact_point_key,
        file_name,
        line_number
    from csv_lines
    where
        planfix_id is null
        and not is_blank

    union all

    select
        'line:' || file_sha256 || ':' || line_number as quarantine_key,
        'csv_line' as subject,
        null as planfix_id,
        'line' as field,
        raw_line as raw_value,
        reason_code,
        null as decision,
        'csv' as source,
        null as contact_point_key,
        file_name,
        line_number
    from rejected_lines

    union all

    select
        'link:' || source_system || ':' || external_id || ':' || planfix_id
            as quarantine_key,
        'link' as subject,
        planfix_id,
        source_system as field,
        external_id as raw_value,
        'claimed_by_another_customer' as reason_code,
        null as decision,
        'custom_field' as source,
        null as contact_point_key,
        null as file_name,
        null as line_number
    from links
    where not is_held

),

distinct_items as (

    select distinct on (quarantine_key) *
    from items
    order by quarantine_key asc, reason_code collate "C" asc

),

final as (

    select
        -- ids
        distinct_items.quarantine_key,
        distinct_items.contact_point_key,
        distinct_items.planfix_id,
        identities.customer_id,

        -- what and why; the sentence never shows the value
        distinct_items.subject,
        distinct_items.field,
        distinct_items.raw_value,
        distinct_items.reason_code,
        coalesce(reasons.sentence, 'The value cannot be used')
        || case distinct_items.subject
            when 'csv_line'
                then
                    ': line ' || distinct_items.line_number
                    || ' of ' || distinct_items.file_name
            else
                ': ' || distinct_items.field || ' of card ' || distinct_items.planfix_id
        end || '.' as sentence,
        coalesce(reasons.severity, 'defect') as severity,
        coalesce(distinct_items.decision, dropped.decision) as decision,
        distinct_items.source,
        distinct_items.file_name,
        distinct_items.line_number,

        -- who and what to do
        coalesce(reasons.owner, 'migration engineer') as owner,
        coalesce(reasons.action, 'Add the code to reason_codes.csv') as action,
        coalesce(reasons.severity, 'defect') = 'defect'
        and distinct_items.decision is null
        and dropped.decision is null
        and contacts.exclusion_reason is null as is_open,

        -- times
        coalesce(
            first_seen.first_seen_at,
            '{{ run_started_at.isoformat() }}'::timestamptz
        ) as first_seen_at
    from distinct_items
    left outer join contacts on distinct_items.planfix_id = contacts.planfix_id
    left outer join identities on distinct_items.planfix_id = identities.planfix_id
    left outer join reasons on distinct_items.reason_code = reasons.reason_code
    left outer join dropped on distinct_items.quarantine_key = dropped.quarantine_key
    left outer join
        first_seen
        on distinct_items.quarantine_key = first_seen.quarantine_key

)

select * from final
