-- Trips as they are written: Planfix tasks of the trip templates (or with a pick-up
-- time) whose counterparty is a contact, and the orders the CRM has. Calls no Python
-- function.

{% set targets = [
    'pickup_at', 'from_place', 'to_place', 'passenger_name', 'passenger_phone',
    'passenger_email',
] %}

with

tasks as (

    select * from {{ ref('stg_planfix__tasks') }}
    where not is_deleted

),

orders as (

    select * from {{ ref('stg_crm__orders') }}

),

trip_templates as (

    select template_id from {{ ref('trip_templates') }}

),

field_keys as (

    select
        {% for target in targets %}
            coalesce(
                array_agg(custom_field_id::text order by custom_field_id)
                filter (where lower({{ trimmed('target') }}) = '{{ target }}'),
                '{}'
            ) as {{ target }}_keys,
        {% endfor %}
        count(*) as field_count
    from {{ ref('custom_field_mapping') }}
    where object_type = 'task'

),

task_values as (

    select
        {% for target in targets %}
            {% set keys = 'field_keys.' ~ target ~ '_keys' %}
            {{ mapped_field_text('tasks.custom_fields', keys) }} as {{ target }},
        {% endfor %}
        tasks.*
    from tasks
    cross join field_keys
    -- a fence: without it each use of a value below would look it up anew
    offset null  -- noqa: AM09

),

task_trips as (

    select
        'planfix_task:' || task_values.task_id as trip_key,
        'planfix_task' as source,
        task_values.counterparty_planfix_id,
        {{ tidied('task_values.passenger_name') }} as passenger_name,
        {{ trimmed('task_values.passenger_phone') }} as phone_text,
        {{ trimmed('task_values.passenger_email') }} as email_text,
        null as company_name,
        {{ trimmed('task_values.pickup_at') }} as pickup_at_text,
        -- a date-and-time field holds wall time of the account, unlike all other times
        coalesce(
            {{ source_local_instant(
                'btrim(task_values.pickup_at)', setting('account_timezone')
            ) }},
            task_values.planned_start_at
        ) as pickup_at,
        {{ tidied('task_values.from_place') }} as from_place,
        {{ tidied('task_values.to_place') }} as to_place
    from task_values
    left outer join trip_templates
        on task_values.template_id = trip_templates.template_id
    where
        trip_templates.template_id is not null
        or task_values.pickup_at is not null

),

order_trips as (

    select
        'crm_order:' || order_id as trip_key,
        'crm_order' as source,
        null::bigint as counterparty_planfix_id,
        customer_name as passenger_name,
        customer_phone as phone_text,
        customer_email as email_text,
        counterparty_name as company_name,
        null as pickup_at_text,
        pickup_at,
        from_place,
        to_place
    from orders
    where order_id is not null

),

final as (

    select * from task_trips

    union all

    select * from order_trips

)

select * from final
