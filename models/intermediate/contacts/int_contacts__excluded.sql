-- Records out of scope, with the reason: deleted in Planfix, or named by the seed of
-- exclusions. A table of its own, because it has few rows: with these joins in
-- int_contacts__normalized the wide rows of all records were put together on one core.

with

contacts as not materialized (

    select
        planfix_id,
        group_id,
        template_id,
        lower(full_name_text) as name_key,
        is_deleted_in_payload,
        api_fetched_at,
        csv_observed_at
    from {{ ref('int_contacts__merged') }}

),

-- `not materialized`: a scan that is shared by several readers stays on one core
exclusions as not materialized (

    select
        lower({{ trimmed('match_type') }}) as match_type,
        lower({{ trimmed('value') }}) as match_value,
        {{ trimmed('reason') }} as reason
    from {{ ref('exclusions') }}
    -- a fence: without it the pattern would be tidied anew for each record
    offset null  -- noqa: AM09

),

emails as (

    select
        planfix_id,
        lower(email) as email_key
    from {{ ref('stg_planfix__contact_emails') }}

    union all

    select
        planfix_id,
        lower(email) as email_key
    from {{ ref('int_contacts__csv_merged') }}
    where email is not null

),

-- only the latest sweep that saw every page may prove that a record is gone, and only
-- for a record that was last seen before that sweep began
latest_sweep as not materialized (

    select
        sweep_id,
        started_at
    from {{ ref('stg_planfix__id_sweep_runs') }}
    where is_complete
    order by started_at desc nulls last, sweep_id desc
    limit 1

),

swept as (

    select sweeps.planfix_id
    from {{ ref('stg_planfix__id_sweeps') }} as sweeps
    inner join latest_sweep
        on sweeps.sweep_id = latest_sweep.sweep_id

),

deleted as (

    select planfix_id
    from contacts
    where is_deleted_in_payload

    union all

    select contacts.planfix_id
    from contacts
    inner join latest_sweep
        on
            latest_sweep.started_at
            > greatest(contacts.api_fetched_at, contacts.csv_observed_at)
    where not exists (
        select from swept
        where contacts.planfix_id = swept.planfix_id
    )

),

hits as (

    select
        planfix_id,
        true as is_deleted,
        null as reason
    from deleted

    union all

    select
        emails.planfix_id,
        false as is_deleted,
        exclusions.reason
    from exclusions
    inner join emails
        on emails.email_key like exclusions.match_value
    where exclusions.match_type = 'email'

    union all

    select
        contacts.planfix_id,
        false as is_deleted,
        exclusions.reason
    from exclusions
    inner join contacts
        on contacts.name_key like exclusions.match_value
    where exclusions.match_type = 'name'

    -- one join per kind of number: each is a look-up in a few rows
    {% for column in ['planfix_id', 'group_id', 'template_id'] %}
        union all

        select
            contacts.planfix_id,
            false as is_deleted,
            exclusions.reason
        from contacts
        inner join exclusions
            on contacts.{{ column }} = {{ source_bigint('exclusions.match_value') }}
        where exclusions.match_type = '{{ column }}'
    {% endfor %}

),

final as (

    select
        planfix_id,
        bool_or(is_deleted) as is_deleted,
        -- being deleted is told first: a deleted test record is gone either way
        case when bool_or(is_deleted) then 'deleted_in_planfix' else min(reason) end
            as exclusion_reason
    from hits
    group by planfix_id

)

select * from final
