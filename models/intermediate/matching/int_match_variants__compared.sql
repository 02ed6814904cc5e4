-- Each pair of spellings that meets on some identifier, graded once (see the macro
-- name_grade).

with

met as (

    select * from {{ ref('int_match_variants__met') }}

),

names as not materialized (

    select * from {{ ref('int_match_names__variants') }}

),

final as (

    select
        met.left_name_id,
        met.right_name_id,
        {{ name_grade('left_names', 'right_names') }} as name_grade
    from met
    inner join names as left_names
        on met.left_planfix_id = left_names.planfix_id
    inner join names as right_names
        on met.right_planfix_id = right_names.planfix_id

)

select * from final
