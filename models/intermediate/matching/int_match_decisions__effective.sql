-- The last word of people on each pair. "Same" and "different" bind for ever; when an
-- identifier of the pair changed since, the question may be asked again, and "unsure"
-- is.

with

decisions as (

    select * from {{ state_relation('match_decisions') }}

),

identifiers as (

    select * from {{ ref('int_match_identifiers__collected') }}

),

records as not materialized (

    select * from {{ ref('int_match_records__prepared') }}

),

latest as (

    select distinct on (
        least(left_planfix_id, right_planfix_id),
        greatest(left_planfix_id, right_planfix_id)
    )
        decision_id,
        least(left_planfix_id, right_planfix_id) as left_planfix_id,
        greatest(left_planfix_id, right_planfix_id) as right_planfix_id,
        verdict,
        reason,
        decided_by,
        decided_at,
        identifiers_hash
    from decisions
    order by
        least(left_planfix_id, right_planfix_id),
        greatest(left_planfix_id, right_planfix_id),
        decided_at desc,
        decision_id desc

),

current_hashes as (

    select
        latest.decision_id,
        {{ identifiers_hash('identifiers') }} as current_identifiers_hash
    from latest
    cross join
        lateral (
            values (latest.left_planfix_id), (latest.right_planfix_id)
        ) as decided (planfix_id)
    inner join identifiers
        on decided.planfix_id = identifiers.planfix_id
    where
        latest.identifiers_hash is not null
        and not identifiers.is_from_trip
    group by latest.decision_id

),

compared as (

    select
        latest.*,
        coalesce(
            latest.identifiers_hash
            <> coalesce(current_hashes.current_identifiers_hash, md5('')),
            false
        ) as is_outdated
    from latest
    left outer join current_hashes
        on latest.decision_id = current_hashes.decision_id

),

-- put aside: decisions are few, and the planner would look up all cards
decided_records as materialized (

    select
        planfix_id,
        record_number,
        kind
    from records
    where
        planfix_id in (
            select latest.left_planfix_id from latest
            union
            select latest.right_planfix_id from latest
        )

),

final as (

    select
        compared.decision_id,
        compared.left_planfix_id,
        compared.right_planfix_id,
        left_records.record_number as left_record_number,
        right_records.record_number as right_record_number,
        compared.verdict,
        compared.reason,
        compared.decided_by,
        compared.decided_at,
        compared.is_outdated,
        left_records.kind,
        left_records.kind = right_records.kind
        and (compared.verdict <> 'unsure' or not compared.is_outdated) as is_in_force
    from compared
    inner join decided_records as left_records
        on compared.left_planfix_id = left_records.planfix_id
    inner join decided_records as right_records
        on compared.right_planfix_id = right_records.planfix_id

)

select * from final
