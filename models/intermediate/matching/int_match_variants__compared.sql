-- Each pair of spellings that meets on some identifier, graded once (see the macro
-- name_grade).

with

members as (

    select * from {{ ref('int_match_identifiers__members') }}

),

names as not materialized (

    select * from {{ ref('int_match_names__variants') }}

),

-- Only spellings that meet another one. The fuse: a personal identifier with a crowd of
-- spellings compares equal full names only.
spellings as not materialized (

    select
        identifier_number,
        kind,
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

pairs as (

    select distinct
        left_spelling.name_id as left_name_id,
        right_spelling.name_id as right_name_id
    from spellings as left_spelling
    inner join spellings as right_spelling
        on
            left_spelling.identifier_number = right_spelling.identifier_number
            and left_spelling.kind = right_spelling.kind
            and left_spelling.name_id < right_spelling.name_id
    where
        not left_spelling.is_equal_names_only

    union

    select distinct
        left_spelling.name_id as left_name_id,
        right_spelling.name_id as right_name_id
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

final as (

    select
        pairs.left_name_id,
        pairs.right_name_id,
        {{ name_grade('left_names', 'right_names') }} as name_grade
    from pairs
    inner join names as left_names
        on pairs.left_name_id = left_names.name_id
    inner join names as right_names
        on pairs.right_name_id = right_names.name_id

)

select * from final
