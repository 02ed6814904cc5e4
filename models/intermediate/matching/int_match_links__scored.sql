-- Every reason to join two cards, one row each, before anything is joined.

with

identifier_links as (

    select * from {{ ref('int_match_links__identifiers') }}

),

fallback_links as (

    select * from {{ ref('int_match_links__fallback') }}

),

decisions as (

    select * from {{ ref('int_match_decisions__effective') }}

),

classified as (

    select * from {{ ref('int_identifiers__classified') }}

),

rules as (

    select * from {{ ref('match_rules') }}

),

every_link as (

    select
        identifier_links.left_planfix_id,
        identifier_links.right_planfix_id,
        identifier_links.left_record_number,
        identifier_links.right_record_number,
        identifier_links.kind,
        identifier_links.rule_id,
        identifier_links.key_kind,
        classified.key_value,
        identifier_links.name_grade
    from identifier_links
    inner join classified
        on identifier_links.identifier_number = classified.identifier_number

    union all

    select
        left_planfix_id,
        right_planfix_id,
        left_record_number,
        right_record_number,
        -- namesakes are persons
        'person' as kind,
        rule_id,
        key_kind,
        key_value,
        name_grade
    from fallback_links

    union all

    select
        left_planfix_id,
        right_planfix_id,
        left_record_number,
        right_record_number,
        kind,
        'decision_same' as rule_id,
        'decision' as key_kind,
        decision_id::text as key_value,
        null as name_grade
    from decisions
    where
        verdict = 'same'
        and is_in_force

),

final as (

    select
        md5(concat(
            least(every_link.left_planfix_id, every_link.right_planfix_id), '|',
            greatest(every_link.left_planfix_id, every_link.right_planfix_id), '|',
            every_link.rule_id, '|', every_link.key_value
        )) as link_key,
        least(every_link.left_planfix_id, every_link.right_planfix_id)
            as left_planfix_id,
        greatest(every_link.left_planfix_id, every_link.right_planfix_id)
            as right_planfix_id,
        least(every_link.left_record_number, every_link.right_record_number)
            as left_record_number,
        greatest(every_link.left_record_number, every_link.right_record_number)
            as right_record_number,
        every_link.kind,
        every_link.rule_id,
        rules.strength,
        rules.link_class,
        every_link.key_kind,
        left(
            encode(
                sha256(convert_to(
                    every_link.key_kind || ':' || every_link.key_value, 'UTF8'
                )),
                'hex'
            ), 32
        ) as key_hash,
        every_link.name_grade,
        rules.sentence
    from every_link
    inner join rules
        on every_link.rule_id = rules.rule_id
    where
        rules.is_enabled
        and (
            every_link.rule_id <> 'name_company'
            or {{ setting('name_company_without_trip') }}
        )

)

select * from final
