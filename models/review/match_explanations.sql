-- Why cards are together or apart, one row per direct reason. For any two cards, also
-- over a chain of others, ask the function explain_pair(left, right) beside this table.
{{ config(post_hook="{{ explain_pair_function(this) }}") }}

with

links as (

    select * from {{ ref('int_match_links__scored') }}

),

resolved as (

    select * from {{ ref('int_match_links__resolved') }}

),

contradictions as (

    select * from {{ ref('int_match_contradictions__found') }}

),

clusters as not materialized (

    select * from {{ ref('int_clusters__final') }}

),

records as not materialized (

    select * from {{ ref('int_match_records__prepared') }}

),

link_reasons as (

    select
        links.link_key as explanation_key,
        links.left_planfix_id,
        links.right_planfix_id,
        case when resolved.outcome = 'accepted' then 'together' else 'apart' end
            as direction,
        resolved.outcome,
        links.rule_id,
        links.strength,
        links.key_kind,
        links.key_hash,
        {{ name_grade_text('links.name_grade') }} as name_comparison,
        links.sentence || case resolved.outcome
            when 'cut'
                then
                    ' The link was cut, because the group it would join'
                    || ' contradicts itself.'
            when 'fused'
                then
                    ' The link was left out, because the group it would join'
                    || ' is beyond the fuse.'
            else ''
        end as sentence
    from links
    inner join resolved
        on links.link_key = resolved.link_key

),

contradiction_reasons as (

    select
        md5(concat(
            left_records.planfix_id, '|', right_records.planfix_id, '|',
            contradictions.reason_code
        )) as explanation_key,
        left_records.planfix_id as left_planfix_id,
        right_records.planfix_id as right_planfix_id,
        'apart' as direction,
        'contradiction' as outcome,
        contradictions.reason_code as rule_id,
        null::int as strength,
        null as key_kind,
        null as key_hash,
        null as name_comparison,
        {{ contradiction_sentence('contradictions.reason_code') }} as sentence
    from contradictions
    inner join records as left_records
        on contradictions.left_record_number = left_records.record_number
    inner join records as right_records
        on contradictions.right_record_number = right_records.record_number

),

every_reason as (

    select * from link_reasons

    union all

    select * from contradiction_reasons

),

final as (

    select
        every_reason.explanation_key,
        every_reason.left_planfix_id,
        every_reason.right_planfix_id,
        left_cluster.cluster_id as left_cluster_id,
        right_cluster.cluster_id as right_cluster_id,
        every_reason.direction,
        every_reason.outcome,
        every_reason.rule_id,
        every_reason.strength,
        every_reason.key_kind,
        every_reason.key_hash,
        every_reason.name_comparison,
        every_reason.sentence
    from every_reason
    inner join clusters as left_cluster
        on every_reason.left_planfix_id = left_cluster.planfix_id
    inner join clusters as right_cluster
        on every_reason.right_planfix_id = right_cluster.planfix_id

)

select * from final
