-- A comment of a task belongs to the task's counterparty. Apart from a card's own
-- comments, because only here a comment moves to another card without having changed
-- itself: the task gets another counterparty, or a card's list shows the comment too.

with

task_comments as (

    select * from {{ ref('stg_planfix__task_comments') }}
    where
        not is_deleted
        and not is_technical
        and body is not null

),

tasks as (

    select * from {{ ref('stg_planfix__tasks') }}
    where counterparty_planfix_id is not null

),

final as (

    select
        task_comments.comment_id,
        tasks.counterparty_planfix_id as planfix_id,
        task_comments.body,
        task_comments.owner_kind,
        task_comments.owner_id,
        task_comments.owner_name,
        task_comments.commented_at
    from task_comments
    inner join tasks
        on task_comments.task_id = tasks.task_id
    -- with the global comment list one comment can come both ways
    where not exists (
        select from {{ source('planfix_raw', 'contact_comments') }} as same_comment
        where task_comments.comment_id = same_comment.id
    )

)

select * from final
