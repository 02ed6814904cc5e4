-- Links over a shared key: phone, mail, messenger, and for companies also domain and
-- registration number. Stars, never cliques: cards with one spelling hang on the first
-- of them, spellings are joined by their first cards.

with

members as not materialized (

    select * from {{ ref('int_match_identifiers__members') }}

),

compared as (

    select * from {{ ref('int_match_variants__compared') }}

),

frequencies as (

    select * from {{ ref('int_match_names__counted') }}

),

first_members as not materialized (

    select *
    from members
    where planfix_id = first_planfix_id

),

meeting_spellings as not materialized (

    select *
    from first_members
    where spelling_count > 1

),

same_spelling as (

    select
        first_members.planfix_id as left_planfix_id,
        members.planfix_id as right_planfix_id,
        first_members.record_number as left_record_number,
        members.record_number as right_record_number,
        members.identifier_number,
        members.own_name_grade as name_grade,
        members.kind,
        members.key_kind,
        members.identifier_class,
        members.record_count,
        members.full_name_key,
        first_members.is_from_trip or members.is_from_trip as is_from_trip
    from members
    inner join first_members
        on
            members.identifier_number = first_members.identifier_number
            and members.first_planfix_id = first_members.planfix_id
    where members.planfix_id <> members.first_planfix_id

),

other_spelling as (

    select
        left_member.planfix_id as left_planfix_id,
        right_member.planfix_id as right_planfix_id,
        left_member.record_number as left_record_number,
        right_member.record_number as right_record_number,
        left_member.identifier_number,
        compared.name_grade,
        left_member.kind,
        left_member.key_kind,
        left_member.identifier_class,
        left_member.record_count,
        left_member.full_name_key,
        left_member.is_from_trip or right_member.is_from_trip as is_from_trip
    from meeting_spellings as left_member
    inner join compared
        on left_member.name_id = compared.left_name_id
    inner join meeting_spellings as right_member
        on
            left_member.identifier_number = right_member.identifier_number
            and left_member.kind = right_member.kind
            and compared.right_name_id = right_member.name_id
    where compared.name_grade >= 1

),

without_name as (

    select
        left_member.planfix_id as left_planfix_id,
        right_member.planfix_id as right_planfix_id,
        left_member.record_number as left_record_number,
        right_member.record_number as right_record_number,
        left_member.identifier_number,
        0 as name_grade,
        left_member.kind,
        left_member.key_kind,
        left_member.identifier_class,
        left_member.record_count,
        left_member.full_name_key,
        left_member.is_from_trip or right_member.is_from_trip as is_from_trip
    from first_members as left_member
    inner join first_members as right_member
        on
            left_member.identifier_number = right_member.identifier_number
            and left_member.kind = right_member.kind
            and left_member.name_id < right_member.name_id
    where
        left_member.name_id = '00000000-0000-0000-0000-000000000000'::uuid
        and left_member.identifier_class = 'personal'

),

every_link as (

    select * from same_spelling

    union all

    select * from other_spelling

    union all

    select * from without_name

),

-- On a shared identifier, or with a trip's phone, equal full names only; and no more
-- often than chance would bring two bearers of the name to this identifier.
allowed as (

    select every_link.*
    from every_link
    left outer join frequencies
        on
            every_link.kind = frequencies.kind
            and every_link.full_name_key = frequencies.full_name_key
    where
        every_link.kind = 'company'
        or (every_link.identifier_class = 'personal' and not every_link.is_from_trip)
        or (
            every_link.name_grade = 4
            and every_link.record_count * frequencies.share_of_others
            <= {{ setting('coincidence_limit') }}
        )

),

final as (

    select
        left_planfix_id,
        right_planfix_id,
        left_record_number,
        right_record_number,
        identifier_number,
        kind,
        key_kind,
        name_grade,
        case
            when kind = 'company'
                then
                    'company_' || key_kind
                    || case when name_grade = 4 then '' else '_similar_name' end
            when is_from_trip then 'trip_contact_full_name'
            when identifier_class = 'shared' then 'shared_' || key_kind || '_full_name'
            else key_kind || case name_grade
                when 4 then '_full_name'
                when 3 then '_similar_name'
                when 2 then '_initial'
                when 1 then '_partial_name'
                else '_no_name'
            end
        end as rule_id
    from allowed
    -- a company's card with no name says nothing about which branch it is
    where kind = 'person' or name_grade >= 3

)

select * from final
