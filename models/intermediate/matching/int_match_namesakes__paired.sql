-- An equal full name counts only together with one trip or one employer, and only when
-- nothing else in the names contradicts. A name alone never links.

with

met as (

    select * from {{ ref('int_match_namesakes__met') }}

),

names as not materialized (

    select * from {{ ref('int_match_names__variants') }}

),

-- put aside, so that all cores grade
graded as materialized (

    select
        met.*,
        -- one spelling on both cards needs no comparison
        case
            when met.is_one_spelling then 4
            else {{ name_grade('left_names', 'right_names') }}
        end as name_grade
    from met
    inner join names as left_names
        on met.left_planfix_id = left_names.planfix_id
    inner join names as right_names
        on met.right_planfix_id = right_names.planfix_id

),

final as (

    select
        left_planfix_id,
        right_planfix_id,
        left_record_number,
        right_record_number,
        name_grade,
        key_kind,
        key_value,
        rule_id
    from graded
    where name_grade = 4

)

select * from final
