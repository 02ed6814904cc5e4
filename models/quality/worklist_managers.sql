{{ config(unlogged=false) }}

with

managers as (

    select * from {{ ref('int_managers__mapped') }}

),

contacts as (

    select * from {{ ref('int_contacts__normalized') }}
    where exclusion_reason is null

),

notes as (

    select * from {{ ref('int_customer_notes__merged') }}

),

reasons as (

    select * from {{ ref('reason_codes') }}
    where reason_code = 'unmapped_manager'

),

first_seen as (

    {{ first_seen(this, 'worklist_key') }}

),

-- a name from an export that no employee bears is a manager nobody can map by id
owned as (

    select
        planfix_owner_user_id as planfix_user_id,
        case when planfix_owner_user_id is null then owner_name end as user_name,
        count(*) as records
    from contacts
    where coalesce(planfix_owner_user_id::text, owner_name) is not null
    group by
        planfix_owner_user_id,
        case when planfix_owner_user_id is null then owner_name end

),

written as (

    select
        author_planfix_user_id as planfix_user_id,
        count(*) as notes
    from notes
    where author_planfix_user_id is not null
    group by author_planfix_user_id

),

used as (

    select
        coalesce(owned.planfix_user_id, written.planfix_user_id) as planfix_user_id,
        owned.user_name,
        coalesce(owned.records, 0) as records,
        coalesce(written.notes, 0) as notes
    from owned
    full outer join written on owned.planfix_user_id = written.planfix_user_id

),

unmapped as (

    select
        'manager:' || coalesce(
            used.planfix_user_id::text, md5(used.user_name)
        ) as worklist_key,
        used.planfix_user_id,
        coalesce(managers.user_name, used.user_name) as user_name,
        used.records,
        used.notes
    from used
    left outer join managers on used.planfix_user_id = managers.planfix_user_id
    where managers.riderra_user_id is null

),

final as (

    select
        unmapped.worklist_key,
        unmapped.planfix_user_id,
        unmapped.user_name,
        unmapped.records,
        unmapped.notes,
        reasons.reason_code,
        reasons.sentence,
        reasons.owner,
        reasons.action,
        null::text as answer_riderra_user_id,
        null::text as answered_by,
        null::text as reviewed_by,
        coalesce(
            first_seen.first_seen_at,
            '{{ run_started_at.isoformat() }}'::timestamptz
        ) as first_seen_at
    from unmapped
    cross join reasons
    left outer join first_seen on unmapped.worklist_key = first_seen.worklist_key

)

select * from final
