-- What only a person can settle, pair by pair: links that were cut, and likenesses that
-- never were links. A pair on which somebody's word is in force is not asked again.

with

links as (

    select * from {{ ref('int_match_links__scored') }}

),

resolved as (

    select * from {{ ref('int_match_links__resolved') }}

),

clusters as not materialized (

    select * from {{ ref('int_clusters__final') }}

),

records as (

    select * from {{ ref('int_match_records__prepared') }}

),

names as not materialized (

    select * from {{ ref('int_match_names__variants') }}

),

frequencies as (

    select * from {{ ref('int_match_names__counted') }}

),

members as not materialized (

    select * from {{ ref('int_match_identifiers__members') }}

),

compared as (

    select * from {{ ref('int_match_variants__compared') }}

),

decisions as (

    select * from {{ ref('int_match_decisions__effective') }}
    where is_in_force

),

rules as (

    select * from {{ ref('match_rules') }}
    where link_class = 'review'

),

conflicting as (

    select * from {{ ref('int_match_decisions__conflicting') }}

),

conflicting_decisions as (

    select
        left_planfix_id,
        right_planfix_id,
        'decisions_contradict' as rule_id
    from conflicting

),

-- the word binds, but what it was said of has changed, and the cards have a link again
outdated_decisions as (

    select
        decisions.left_planfix_id,
        decisions.right_planfix_id,
        'decision_outdated' as rule_id
    from decisions
    inner join links
        on
            decisions.left_planfix_id = links.left_planfix_id
            and decisions.right_planfix_id = links.right_planfix_id
    where
        decisions.verdict = 'different'
        and decisions.is_outdated

),

cut_links as (

    select
        links.left_planfix_id,
        links.right_planfix_id,
        'contradiction' as rule_id
    from links
    inner join resolved
        on links.link_key = resolved.link_key
    where resolved.outcome <> 'accepted'

),

other_surnames as (

    select
        left_member.planfix_id as left_planfix_id,
        right_member.planfix_id as right_planfix_id,
        'same_key_other_surname' as rule_id
    from members as left_member
    inner join members as right_member
        on
            left_member.identifier_number = right_member.identifier_number
            and left_member.kind = right_member.kind
            and left_member.name_id < right_member.name_id
    inner join compared
        on
            left_member.name_id = compared.left_name_id
            and right_member.name_id = compared.right_name_id
    inner join names as left_names
        on left_member.planfix_id = left_names.planfix_id
    inner join names as right_names
        on right_member.planfix_id = right_names.planfix_id
    where
        left_member.identifier_class = 'personal'
        and left_member.kind = 'person'
        and left_member.planfix_id = left_member.first_planfix_id
        and right_member.planfix_id = right_member.first_planfix_id
        and compared.name_grade < 0
        and left_names.given_key = right_names.given_key
        and left_names.word_shape = 'full'
        and right_names.word_shape = 'full'
        and coalesce(left_names.sex = right_names.sex, true)
        and coalesce(left_names.patronymic = right_names.patronymic, true)

),

-- two or three bearers in the whole base, in different clusters
rare_names as (

    select
        records.kind,
        records.full_name_key,
        records.planfix_id,
        records.birth_date,
        records.registration_number,
        min(records.planfix_id) over same_name as first_planfix_id
    from records
    inner join frequencies
        on
            records.kind = frequencies.kind
            and records.full_name_key = frequencies.full_name_key
    where frequencies.record_count between 2 and {{ setting('rare_name_records') }}
    window same_name as (partition by records.kind, records.full_name_key)

),

same_names as (

    select
        left_card.planfix_id as left_planfix_id,
        right_card.planfix_id as right_planfix_id,
        case
            when left_card.kind = 'company' then 'company_name_alone'
            when left_names.patronymic = right_names.patronymic
                then 'full_name_and_patronymic'
            else 'full_name_alone'
        end as rule_id
    from rare_names as left_card
    inner join rare_names as right_card
        on
            left_card.kind = right_card.kind
            and left_card.full_name_key = right_card.full_name_key
            and left_card.planfix_id < right_card.planfix_id
            and left_card.planfix_id = right_card.first_planfix_id
    inner join names as left_names
        on left_card.planfix_id = left_names.planfix_id
    inner join names as right_names
        on right_card.planfix_id = right_names.planfix_id
    where
        coalesce(left_card.birth_date = right_card.birth_date, true)
        and coalesce(
            left_card.registration_number = right_card.registration_number, true
        )
        and coalesce(left_names.sex = right_names.sex, true)
        and coalesce(left_names.patronymic = right_names.patronymic, true)

),

every_pair as (

    select * from conflicting_decisions

    union

    select * from outdated_decisions

    union

    select * from cut_links

    union

    select * from other_surnames

    union

    select * from same_names

),

-- between two clusters one question is enough
open_pairs as (

    select distinct on (
        least(left_cluster.cluster_id, right_cluster.cluster_id),
        greatest(left_cluster.cluster_id, right_cluster.cluster_id)
    )
        least(every_pair.left_planfix_id, every_pair.right_planfix_id)
            as left_planfix_id,
        greatest(every_pair.left_planfix_id, every_pair.right_planfix_id)
            as right_planfix_id,
        least(left_cluster.cluster_id, right_cluster.cluster_id) as left_cluster_id,
        greatest(left_cluster.cluster_id, right_cluster.cluster_id) as right_cluster_id,
        every_pair.rule_id,
        rules.strength,
        rules.sentence
    from every_pair
    inner join rules
        on every_pair.rule_id = rules.rule_id
    inner join clusters as left_cluster
        on every_pair.left_planfix_id = left_cluster.planfix_id
    inner join clusters as right_cluster
        on every_pair.right_planfix_id = right_cluster.planfix_id
    where
        left_cluster.cluster_id <> right_cluster.cluster_id
        and rules.is_enabled
    order by
        least(left_cluster.cluster_id, right_cluster.cluster_id) asc,
        greatest(left_cluster.cluster_id, right_cluster.cluster_id) asc,
        rules.strength desc,
        every_pair.rule_id asc,
        least(every_pair.left_planfix_id, every_pair.right_planfix_id) asc,
        greatest(every_pair.left_planfix_id, every_pair.right_planfix_id) asc

),

-- a word on any two cards of the two clusters answers for both
answered as (

    select distinct
        least(left_cluster.cluster_id, right_cluster.cluster_id) as left_cluster_id,
        greatest(left_cluster.cluster_id, right_cluster.cluster_id) as right_cluster_id
    from decisions
    inner join clusters as left_cluster
        on decisions.left_planfix_id = left_cluster.planfix_id
    inner join clusters as right_cluster
        on decisions.right_planfix_id = right_cluster.planfix_id
    where not decisions.is_outdated

),

final as (

    select
        open_pairs.left_planfix_id,
        open_pairs.right_planfix_id,
        open_pairs.left_cluster_id,
        open_pairs.right_cluster_id,
        open_pairs.rule_id,
        open_pairs.strength,
        open_pairs.sentence
    from open_pairs
    left outer join answered
        on
            open_pairs.left_cluster_id = answered.left_cluster_id
            and open_pairs.right_cluster_id = answered.right_cluster_id
    where
        answered.left_cluster_id is null
        or open_pairs.rule_id = 'decisions_contradict'

)

select * from final
