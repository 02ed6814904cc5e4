-- Which spellings of names meet on some identifier, each pair once. In a table of its
-- own, so that all cores grade them.

with

members as (

    select * from {{ ref('int_match_identifiers__members') }}

),

-- Only spellings that meet another one. The fuse: a personal identifier with a crowd of
-- spellings compares equal full names only.
spellings as not materialized (

    select
        identifier_number,
        kind,
        planfix_id,
        name_id,
        full_name_key,
        identifier_class = 'shared'
        or spelling_count > {{ setting('spelling_fuse') }} as is_equal_names_only
    from members
    where
        planfix_id = first_planfix_id
        and name_id <> '00000000-0000-0000-0000-000000000000'::uuid
        and spelling_count > 1

),

meetings as (

    select
        left_spelling.name_id as left_name_id,
        right_spelling.name_id as right_name_id,
        left_spelling.planfix_id as left_planfix_id,
        right_spelling.planfix_id as right_planfix_id
    from spellings as left_spelling
    inner join spellings as right_spelling
        on
            left_spelling.identifier_number = right_spelling.identifier_number
            and left_spelling.kind = right_spelling.kind
            and left_spelling.name_id < right_spelling.name_id
    where
        not left_spelling.is_equal_names_only

    union all

    select
        left_spelling.name_id as left_name_id,
        right_spelling.name_id as right_name_id,
        left_spelling.planfix_id as left_planfix_id,
        right_spelling.planfix_id as right_planfix_id
    from spellings as left_spelling
    inner join spellings as right_spelling
        on
            left_spelling.identifier_number = right_spelling.identifier_number
            and left_spelling.kind = right_spelling.kind
            and left_spelling.full_name_key = right_spelling.full_name_key
            and left_spelling.name_id < right_spelling.name_id
    where
        left_spelling.is_equal_names_only

),

-- any card shows how its spelling reads
final as (

    select
        left_name_id,
        right_name_id,
        min(left_planfix_id) as left_planfix_id,
        min(right_planfix_id) as right_planfix_id
    from meetings
    group by left_name_id, right_name_id

)

select * from final
