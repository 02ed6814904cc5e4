with

notes as not materialized (

    select * from {{ ref('int_contact_notes__cleaned') }}

),

members as not materialized (

    select * from {{ ref('int_customers__members') }}

),

managers as (

    select * from {{ ref('int_managers__mapped') }}

),

crowded as (

    select members.customer_id
    from notes
    inner join members on notes.planfix_id = members.planfix_id
    group by members.customer_id
    having count(*) > {{ setting('notes_per_contact') | int }}

),

-- only customers with too many notes are sorted, and without the bodies
crowded_notes as (

    select
        crowded.customer_id,
        notes.note_key,
        notes.noted_at,
        notes.kind
    from crowded
    inner join members on crowded.customer_id = members.customer_id
    inner join notes on members.planfix_id = notes.planfix_id

),

-- descriptions first: the text of a card is not pushed out by talk about it
ranked as (

    select
        note_key,
        row_number() over (
            partition by customer_id
            order by
                kind = 'description' desc,
                noted_at desc nulls last,
                note_key collate "C" desc
        ) as place
    from crowded_notes

),

surplus as (

    select note_key from ranked
    where place > {{ setting('notes_per_contact') | int }}

),

final as (

    select
        -- without the customer: a note that moves with its card keeps its id
        {{ child_id(['notes.note_key']) }} as id,
        members.customer_id,
        notes.planfix_id,
        notes.note_key,
        notes.body,
        notes.is_truncated,
        notes.author_planfix_user_id,
        managers.riderra_user_id as author_user_id,
        coalesce(notes.author_name, managers.user_name) as author_name,
        notes.noted_at,
        notes.kind
    from notes
    inner join members on notes.planfix_id = members.planfix_id
    left outer join managers
        on notes.author_planfix_user_id = managers.planfix_user_id
    where not exists (
        select 1 from surplus
        where notes.note_key = surplus.note_key
    )

)

select * from final
