-- Comments beyond the last N of a record cannot be among the last N of its customer, so
-- they are left out before any HTML is parsed. Only records with more than N comments
-- are sorted: with two comments on an average card that is next to nothing, while
-- sorting all bodies would be the dearest step of the layer.

with

notes as (

    select
        note_key,
        planfix_id,
        noted_at
    from {{ ref('int_contact_notes__collected') }}
    where kind = 'comment'

),

crowded as (

    select planfix_id
    from notes
    group by planfix_id
    having count(*) > {{ setting('notes_per_contact') }}

),

ranked as (

    select
        notes.note_key,
        notes.planfix_id,
        row_number() over (
            partition by notes.planfix_id
            order by
                notes.noted_at desc nulls last,
                split_part(notes.note_key, ':', 3)::bigint desc
        ) as recency
    from notes
    inner join crowded
        on notes.planfix_id = crowded.planfix_id

),

final as (

    select
        note_key,
        planfix_id
    from ranked
    where recency > {{ setting('notes_per_contact') }}

)

select * from final
