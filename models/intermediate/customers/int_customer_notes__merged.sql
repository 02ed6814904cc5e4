with

notes as (

    select * from {{ ref('int_contact_notes__cleaned') }}

),

members as (

    select * from {{ ref('int_customers__members') }}

),

managers as (

    select * from {{ ref('int_managers__mapped') }}

),

-- descriptions first: the text of a card is not pushed out by talk about it
ranked as (

    select
        members.customer_id,
        notes.planfix_id,
        notes.note_key,
        notes.body,
        notes.is_truncated,
        notes.author_planfix_user_id,
        notes.author_name,
        notes.noted_at,
        notes.kind,
        row_number() over (
            partition by members.customer_id
            order by
                notes.kind = 'description' desc,
                notes.noted_at desc nulls last,
                notes.note_key collate "C" desc
        ) as place
    from notes
    inner join members on notes.planfix_id = members.planfix_id

),

final as (

    select
        -- without the customer: a note that moves with its card keeps its id
        {{ child_id(['ranked.note_key']) }} as id,
        ranked.customer_id,
        ranked.planfix_id,
        ranked.note_key,
        ranked.body,
        ranked.is_truncated,
        ranked.author_planfix_user_id,
        managers.riderra_user_id as author_user_id,
        coalesce(ranked.author_name, managers.user_name) as author_name,
        ranked.noted_at,
        ranked.kind
    from ranked
    left outer join managers
        on ranked.author_planfix_user_id = managers.planfix_user_id
    where ranked.place <= {{ setting('notes_per_contact') | int }}

)

select * from final
