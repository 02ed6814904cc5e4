-- One pass over the comments, which are the largest raw table: everything below reads
-- this. Calls no Python function.

with

contact_comments as (

    select
        comment_id,
        planfix_id,
        body,
        owner_kind,
        owner_id,
        owner_name,
        commented_at
    from {{ ref('stg_planfix__contact_comments') }}
    where
        not is_deleted
        and not is_technical
        and body is not null

),

task_comments as (

    select * from {{ ref('int_task_comments__attributed') }}

),

contacts as not materialized (

    select
        planfix_id,
        description,
        source_created_at
    from {{ ref('int_contacts__normalized') }}

),

own_comments as (

    select * from contact_comments
    union all
    select * from task_comments

),

notes as (

    select
        'planfix:comment:' || own_comments.comment_id as note_key,
        own_comments.planfix_id,
        'comment' as kind,
        own_comments.body,
        case own_comments.owner_kind when 'user' then own_comments.owner_id end
            as author_planfix_user_id,
        own_comments.owner_name as author_name,
        own_comments.commented_at as noted_at
    from own_comments
    inner join contacts
        on own_comments.planfix_id = contacts.planfix_id

    union all

    select
        'planfix:description:' || planfix_id as note_key,
        planfix_id,
        'description' as kind,
        description as body,
        null as author_planfix_user_id,
        null as author_name,
        source_created_at as noted_at
    from contacts
    where description is not null

),

final as (

    select
        *,
        body ~ '<[a-zA-Z/!]|&(#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z]+[0-9]*);' as has_markup
    from notes

)

select * from final
