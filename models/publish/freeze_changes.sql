{{ config(materialized='view') }}

with

freezes as (
    select started_at from {{ state_relation('freezes') }}
    order by freeze_id desc
    limit 1
),

contacts as (
    select * from {{ ref('int_contacts__normalized') }}
),

comments as (
    select * from {{ ref('stg_planfix__contact_comments') }}
),

sweep_runs as (
    select * from {{ ref('stg_planfix__id_sweep_runs') }}
    where is_complete
),

sweeps as (
    select * from {{ ref('stg_planfix__id_sweeps') }}
),

-- Planfix does not say when a card was deleted: one that the last sweep before the
-- freeze or a later one still saw was there when the freeze began, as far as we know
sweeps_of_the_freeze as (
    select sweep_runs.sweep_id
    from sweep_runs
    cross join freezes
    where sweep_runs.started_at >= coalesce(
        (
            select max(earlier.started_at) from sweep_runs as earlier
            where earlier.started_at <= freezes.started_at
        ),
        freezes.started_at
    )
),

seen_in_the_freeze as (
    select distinct sweeps.planfix_id
    from sweeps
    inner join sweeps_of_the_freeze
        on sweeps.sweep_id = sweeps_of_the_freeze.sweep_id
),

changed_cards as (
    select
        contacts.planfix_id,
        case
            when contacts.source_created_at >= freezes.started_at then 'created'
            else 'edited'
        end as change,
        greatest(contacts.source_created_at, contacts.source_updated_at) as changed_at
    from contacts
    inner join freezes
        on
            contacts.source_created_at >= freezes.started_at
            or contacts.source_updated_at >= freezes.started_at
    where not contacts.is_deleted
),

deleted_cards as (
    select
        contacts.planfix_id,
        'deleted' as change,
        null::timestamptz as changed_at
    from contacts
    cross join freezes
    left outer join
        seen_in_the_freeze
        on contacts.planfix_id = seen_in_the_freeze.planfix_id
    where
        contacts.is_deleted
        and (
            seen_in_the_freeze.planfix_id is not null
            or contacts.observed_at >= freezes.started_at
            or contacts.source_updated_at >= freezes.started_at
        )
),

new_notes as (
    select
        comments.planfix_id,
        'note' as change,
        max(comments.commented_at) as changed_at
    from comments
    inner join freezes on comments.commented_at >= freezes.started_at
    where not comments.is_technical
    group by comments.planfix_id
),

final as (
    select
        planfix_id || ':' || change as change_key,
        planfix_id,
        change,
        changed_at
    from changed_cards
    union all
    select
        planfix_id || ':' || change as change_key,
        planfix_id,
        change,
        changed_at
    from deleted_cards
    union all
    select
        planfix_id || ':' || change as change_key,
        planfix_id,
        change,
        changed_at
    from new_notes
    where planfix_id is not null
)

select * from final
