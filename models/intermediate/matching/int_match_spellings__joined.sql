-- Which spellings of names one component joins, and how they go together as far as that
-- has been graded before.

with

components as (

    select * from {{ ref('int_clusters__connected') }}

),

records as (

    select * from {{ ref('int_match_records__prepared') }}

),

compared as (

    select * from {{ ref('int_match_variants__compared') }}

),

-- any card shows how its spelling reads
spellings as (

    select
        components.component,
        records.name_id,
        min(records.planfix_id) as planfix_id
    from components
    inner join records
        on components.record_number = records.record_number
    where records.name_id is not null
    group by components.component, records.name_id

),

final as (

    select
        left_spelling.component,
        left_spelling.name_id as left_name_id,
        right_spelling.name_id as right_name_id,
        left_spelling.planfix_id as left_planfix_id,
        right_spelling.planfix_id as right_planfix_id,
        compared.name_grade
    from spellings as left_spelling
    inner join spellings as right_spelling
        on
            left_spelling.component = right_spelling.component
            and left_spelling.name_id < right_spelling.name_id
    left outer join compared
        on
            left_spelling.name_id = compared.left_name_id
            and right_spelling.name_id = compared.right_name_id

)

select * from final
