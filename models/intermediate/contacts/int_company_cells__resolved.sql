-- An export names a person's companies in one cell, joined by commas, and names have
-- commas of their own ("Ромашка, ООО"). So a cell is cut only where a piece is the name
-- of a company card: the whole cell first, then the longest runs of pieces that are
-- known names; what is left between them stays one name as written. Works on distinct
-- cells, of which there are few.

with

records as (

    select * from {{ ref('int_contacts__csv_merged') }}

),

contacts as (

    select * from {{ ref('int_contacts__merged') }}

),

-- a name on two cards cannot say which of them is meant: the name is known, the card is
-- not
known_names as (

    select
        {{ company_name_key('full_name_text') }} as name_key,
        case when count(*) = 1 then min(planfix_id) end as company_planfix_id
    from contacts
    where
        kind = 'company'
        and full_name_text is not null
    group by {{ company_name_key('full_name_text') }}

),

cells as (

    select distinct company as cell
    from records
    where company is not null

),

whole as (

    select
        cells.cell,
        known_names.company_planfix_id,
        known_names.name_key is not null as is_known,
        regexp_split_to_array(cells.cell, '\s*[,;]\s*') as pieces
    from cells
    left outer join known_names
        on {{ company_name_key('cells.cell') }} = known_names.name_key

),

ambiguous as (

    select
        cell,
        pieces
    from whole
    where
        not is_known
        and cardinality(pieces) > 1

),

-- a run of more than six pieces is no name that anybody has
runs as (

    select
        ambiguous.cell,
        firsts.first_piece,
        lasts.last_piece,
        array_to_string(
            ambiguous.pieces[firsts.first_piece:lasts.last_piece], ', '
        ) as run_name
    from ambiguous
    cross join
        lateral generate_series(1, cardinality(ambiguous.pieces))
            as firsts (first_piece)
    cross join lateral generate_series(
        firsts.first_piece,
        least(firsts.first_piece + 5, cardinality(ambiguous.pieces))
    ) as lasts (last_piece)

),

known_runs as (

    select
        runs.*,
        known_names.company_planfix_id
    from runs
    inner join known_names
        on {{ company_name_key('runs.run_name') }} = known_names.name_key

),

chosen_runs as (

    select known_runs.*
    from known_runs
    where not exists (
        select from known_runs as better
        where
            known_runs.cell = better.cell
            and known_runs.first_piece <= better.last_piece
            and better.first_piece <= known_runs.last_piece
            and (
                better.last_piece - better.first_piece
                > known_runs.last_piece - known_runs.first_piece
                or (
                    better.last_piece - better.first_piece
                    = known_runs.last_piece - known_runs.first_piece
                    and better.first_piece < known_runs.first_piece
                )
            )
    )

),

loose_pieces as (

    select
        ambiguous.cell,
        places.piece_position,
        ambiguous.pieces[places.piece_position] as piece,
        places.piece_position - row_number() over (
            partition by ambiguous.cell order by places.piece_position
        ) as island
    from ambiguous
    cross join
        lateral generate_series(1, cardinality(ambiguous.pieces))
            as places (piece_position)
    where not exists (
        select from chosen_runs
        where
            ambiguous.cell = chosen_runs.cell
            and places.piece_position >= chosen_runs.first_piece
            and places.piece_position <= chosen_runs.last_piece
    )

),

parts as (

    select
        cell,
        1 as first_piece,
        cell as company_name,
        company_planfix_id,
        is_known
    from whole
    where
        is_known
        or cardinality(pieces) = 1

    union all

    select
        cell,
        first_piece,
        run_name as company_name,
        company_planfix_id,
        true as is_known
    from chosen_runs

    union all

    select
        cell,
        min(piece_position)::int as first_piece,
        string_agg(piece, ', ' order by piece_position) as company_name,
        null as company_planfix_id,
        false as is_known
    from loose_pieces
    group by cell, island

),

final as (

    select
        cell,
        row_number() over (partition by cell order by first_piece)::int
            as name_position,
        company_name,
        {{ company_name_key('company_name') }} as name_key,
        company_planfix_id,
        is_known
    from parts
    where company_name != ''

)

select * from final
