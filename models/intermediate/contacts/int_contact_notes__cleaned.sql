-- HTML is parsed only where there is any: many notes are plain text and need no call.

{% set mark = ' […]' %}
{% set limit = setting('note_max_chars') | int %}

with

notes as (

    select * from {{ ref('int_contact_notes__collected') }}

),

surplus as (

    select note_key from {{ ref('int_contact_notes__surplus') }}

),

plain as (

    select
        notes.note_key,
        notes.planfix_id,
        notes.kind,
        notes.author_planfix_user_id,
        notes.author_name,
        notes.noted_at,
        btrim(
            case
                when notes.has_markup then parsed.plain_text
                else regexp_replace(
                    replace(notes.body, E'\r\n', E'\n'),
                    '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\ufeff]', '', 'g'
                )
            end,
            E' \n\t\u00a0'
        ) as body
    from notes
    left outer join surplus on notes.note_key = surplus.note_key
    -- what is surplus has no answer: said here too, since a condition below may be
    -- tried after the answer was looked for
    {{ python_function_answers(
        'html_to_text',
        ['case when notes.has_markup and surplus.note_key is null then notes.body end'],
        'parsed (plain_text)'
    ) }}
    where surplus.note_key is null

),

final as (

    select
        note_key,
        planfix_id,
        kind,
        case
            when length(body) > {{ limit }}
                then left(body, {{ limit - mark | length }}) || '{{ mark }}'
            else body
        end as body,
        length(body) > {{ limit }} as is_truncated,
        author_planfix_user_id,
        author_name,
        noted_at
    from plain
    -- a picture without a word is no note
    where body != ''

)

select * from final
