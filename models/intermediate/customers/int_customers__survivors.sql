with

members as not materialized (

    select * from {{ ref('int_customers__members') }}

),

rules as (

    select
        field_group,
        array_agg(field order by position) as fields,
        array_agg(must_agree order by position) as must_agree,
        -- the fields of one group share their steps (tested)
        min(step_1) as step_1,
        min(step_2) as step_2,
        min(step_3) as step_3,
        min(step_4) as step_4
    from {{ ref('survivorship_rules') }}
    group by field_group

),

decisions as (

    select distinct on (customer_id, field)
        customer_id,
        field,
        planfix_id
    from {{ state_relation('field_decisions') }}
    order by customer_id asc, field asc, decision_id desc

),

-- a customer with one card has nothing to choose from and goes straight into
-- int_customers__golden, which keeps this model small
offers as not materialized (

    select
        members.customer_id,
        members.planfix_id,
        members.record_count,
        members.filled_count,
        members.has_api,
        members.source_created_at,
        members.source_updated_at,
        offered.field_group,
        offered.field_values
    from members
    cross join
        lateral (
            values
            ('main_record', array[members.planfix_id::text]),
            (
                'name',
                array[
                    members.display_name,
                    members.given_name,
                    members.middle_name,
                    members.family_name,
                    case members.kind when 'company' then members.company_name end
                ]
            ),
            (
                'employer',
                array[
                    case members.kind when 'person' then members.company_name end,
                    members.company_id::text,
                    members.position
                ]
            ),
            ('place', array[members.address, members.city, members.country_code]),
            ('website', array[members.website]),
            ('language', array[members.language]),
            ('timezone', array[members.timezone]),
            ('birth_date', array[members.birth_date::text]),
            ('gender', array[members.gender]),
            ('owner_user_id', array[members.owner_user_id]),
            (
                'source_created_at',
                array[extract(epoch from members.source_created_at)::text]
            ),
            (
                'source_updated_at',
                array[extract(epoch from members.source_updated_at)::text]
            )
        ) as offered (field_group, field_values)
    where
        members.record_count > 1
        and cardinality(array_remove(offered.field_values, null)) > 0

),

-- of two cards neither has the more frequent value, and most customers have no more:
-- only the others' values are sorted to be counted
counted as (

    select
        *,
        0 as card_count
    from offers
    where record_count = 2
    union all
    select
        *,
        count(*) over (
            partition by customer_id, field_group, field_values
        ) as card_count
    from offers
    where record_count > 2

),

measured as (

    select
        counted.customer_id,
        counted.planfix_id,
        counted.field_group,
        counted.field_values,
        rules.step_1,
        rules.step_2,
        rules.step_3,
        rules.step_4,
        case
            when counted.field_group = 'main_record' then counted.filled_count
            else cardinality(array_remove(counted.field_values, null))
        end::double precision as completeness_score,
        length(array_to_string(counted.field_values, ''))::double precision
            as length_score,
        counted.card_count::double precision as frequency_score,
        case when counted.has_api then 1 else 0 end::double precision as source_score,
        coalesce(extract(epoch from counted.source_updated_at), -1e12)::double precision
            as recency_score,
        -coalesce(extract(epoch from counted.source_created_at), 1e12)::double precision
            as age_score,
        case
            when counted.field_group in ('source_created_at', 'source_updated_at')
                then -counted.field_values[1]::double precision
        end as earliest_score,
        0::double precision as personal_score,
        0::double precision as mobile_score
    from counted
    inner join rules on counted.field_group = rules.field_group

),

scored as (

    select
        *,
        {{ survivorship_score('step_1') }} as score_1,
        {{ survivorship_score('step_2') }} as score_2,
        {{ survivorship_score('step_3') }} as score_3,
        {{ survivorship_score('step_4') }} as score_4
    from measured

),

ranked as (

    select
        customer_id,
        planfix_id,
        field_group,
        field_values,
        row_number() over preference as place,
        -- as a number: the names of the steps would be sorted with each row
        case
            when lead(planfix_id) over preference is null then 0
            when score_1 <> lead(score_1) over preference then 1
            when score_2 <> lead(score_2) over preference then 2
            when score_3 <> lead(score_3) over preference then 3
            when score_4 <> lead(score_4) over preference then 4
            else 5
        end as deciding_step
    from scored
    window preference as (
        partition by customer_id, field_group
        order by
            score_1 desc, score_2 desc, score_3 desc, score_4 desc, planfix_id asc
    )

),

winners as (

    select
        ranked.customer_id,
        ranked.planfix_id,
        ranked.field_group,
        ranked.field_values,
        case ranked.deciding_step
            when 0 then 'only_value'
            when 1 then rules.step_1
            when 2 then rules.step_2
            when 3 then rules.step_3
            when 4 then rules.step_4
            else 'least_planfix_id'
        end as rule,
        rules.fields,
        rules.must_agree
    from ranked
    inner join rules on ranked.field_group = rules.field_group
    where ranked.place = 1

),

-- A card may fill what the winner leaves empty, but only where both say the same about
-- all that both know: "Иван Петров" never gets the patronymic of "Пётр Петров", nor a
-- city the code of another country. One card fills all gaps of a group, so that two
-- cards never mix into a third truth.
fillers as (

    select distinct on (winners.customer_id, winners.field_group)
        winners.customer_id,
        winners.field_group,
        rivals.planfix_id,
        rivals.field_values
    from winners
    inner join ranked as rivals
        on
            winners.customer_id = rivals.customer_id
            and winners.field_group = rivals.field_group
            and rivals.place > 1
    where
        cardinality(winners.field_values) > 1
        and array_position(winners.field_values, null) is not null
        and exists (
            select 1
            from
                unnest(winners.field_values, rivals.field_values)
                    as pair (won, offered)
            where pair.won is null and pair.offered is not null
        )
        and not exists (
            select 1
            from
                unnest(winners.must_agree, winners.field_values, rivals.field_values)
                    as pair (must_agree, won, offered)
            where pair.must_agree and lower(pair.won) <> lower(pair.offered)
        )
    order by winners.customer_id asc, winners.field_group asc, rivals.place asc

),

-- the last word of a person; a decision for a card that has left the customer, or that
-- has no value there, is void
decided as (

    select
        ranked.customer_id,
        ranked.field_group,
        decisions.field,
        ranked.planfix_id,
        ranked.field_values[array_position(rules.fields, decisions.field)] as value
    from decisions
    inner join ranked
        on
            decisions.customer_id = ranked.customer_id
            and decisions.planfix_id = ranked.planfix_id
    inner join rules on ranked.field_group = rules.field_group
    where
        ranked.field_values[array_position(rules.fields, decisions.field)] is not null

),

patches as (

    select
        winners.customer_id,
        winners.field_group,
        array_agg(
            coalesce(decided.value, won.value, fillers.field_values[won.position])
            order by won.position
        ) as field_values,
        array_agg(
            case
                when decided.value is not null then decided.planfix_id
                when won.value is not null then winners.planfix_id
                when fillers.field_values[won.position] is not null
                    then fillers.planfix_id
            end
            order by won.position
        ) as field_planfix_ids,
        array_agg(
            case
                when decided.value is not null then 'decision'
                when won.value is not null then winners.rule
                when fillers.field_values[won.position] is not null then 'fills_gap'
            end
            order by won.position
        ) as field_rules
    from winners
    left outer join fillers
        on
            winners.customer_id = fillers.customer_id
            and winners.field_group = fillers.field_group
    cross join
        lateral
        unnest(winners.fields, winners.field_values)
        with ordinality as won (field, value, position)
    left outer join decided
        on
            winners.customer_id = decided.customer_id
            and won.field = decided.field
    where
        fillers.planfix_id is not null
        or exists (
            select 1
            from decided as any_decision
            where
                any_decision.customer_id = winners.customer_id
                and any_decision.field_group = winners.field_group
        )
    group by winners.customer_id, winners.field_group

),

final as (

    select
        winners.customer_id,
        winners.field_group,
        winners.planfix_id,
        winners.rule,
        winners.fields,
        coalesce(patches.field_values, winners.field_values) as field_values,
        patches.field_planfix_ids,
        patches.field_rules
    from winners
    left outer join patches
        on
            winners.customer_id = patches.customer_id
            and winners.field_group = patches.field_group

)

select * from final
