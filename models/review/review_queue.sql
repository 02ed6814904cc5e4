-- One row per question that only a person can answer, with both sides laid out. Answers
-- are rows of migration.match_decisions; the next build reads them and asks no more.

with

cases as not materialized (

    select * from {{ ref('int_review_cases__ranked') }}
    where is_asked

),

rules as (

    select * from {{ ref('match_rules') }}

),

clusters as (

    select * from {{ ref('int_clusters__final') }}

),

contacts as (

    select * from {{ ref('int_contacts__normalized') }}

),

contact_points as (

    select * from {{ ref('int_contact_points__normalized') }}

),

employers as (

    select * from {{ ref('int_contact_companies__resolved') }}

),

trips as (

    select * from {{ ref('int_match_trips__attributed') }}

),

identifiers as (

    select * from {{ ref('int_match_identifiers__collected') }}

),

case_clusters as (

    select
        case_id,
        left_cluster_id as cluster_id
    from cases

    union

    select
        case_id,
        right_cluster_id as cluster_id
    from cases

),

case_records as (

    select
        case_clusters.case_id,
        clusters.cluster_id,
        clusters.planfix_id
    from case_clusters
    inner join clusters
        on case_clusters.cluster_id = clusters.cluster_id

),

record_points as (

    select
        contact_points.planfix_id,
        jsonb_agg(
            jsonb_build_object(
                'channel', contact_points.channel,
                'value', contact_points.value,
                'extension', contact_points.extension
            ) order by
                contact_points.channel collate "C",  -- noqa: RF03
                contact_points.source_position,
                contact_points.value collate "C"  -- noqa: RF03
        ) as contact_points
    from contact_points
    where
        contact_points.planfix_id in (
            select case_records.planfix_id from case_records
        )
    group by contact_points.planfix_id

),

record_employers as (

    select
        planfix_id,
        jsonb_agg(company_name order by company_position) as companies
    from employers
    where planfix_id in (select case_records.planfix_id from case_records)
    group by planfix_id

),

record_trips as (

    select
        planfix_id,
        count(distinct trip_key) as trip_count,
        max(pickup_at) as last_pickup_at
    from trips
    where planfix_id in (select case_records.planfix_id from case_records)
    group by planfix_id

),

laid_out as (

    select
        case_records.case_id,
        jsonb_agg(
            jsonb_build_object(
                'planfix_id', contacts.planfix_id,
                'cluster_id', case_records.cluster_id,
                'kind', contacts.kind,
                'name', contacts.full_name_text,
                'birth_date', contacts.birth_date,
                'gender', contacts.gender,
                'city', contacts.city,
                'website', contacts.website,
                'registration_number', contacts.registration_number,
                'contact_points', coalesce(record_points.contact_points, '[]'::jsonb),
                'companies', coalesce(record_employers.companies, '[]'::jsonb),
                'trips', coalesce(record_trips.trip_count, 0),
                'last_trip_at', record_trips.last_pickup_at,
                'created_at', contacts.source_created_at,
                'updated_at', contacts.source_updated_at
            ) order by case_records.cluster_id, contacts.planfix_id
        ) as records,
        array_agg(contacts.planfix_id order by contacts.planfix_id) as planfix_ids,
        (array_agg(
            contacts.owner_name order by
                (contacts.owner_name is null) asc,
                contacts.source_updated_at desc nulls last,
                contacts.planfix_id asc
        ))[1] as owner
    from case_records
    inner join contacts
        on case_records.planfix_id = contacts.planfix_id
    left outer join record_points
        on case_records.planfix_id = record_points.planfix_id
    left outer join record_employers
        on case_records.planfix_id = record_employers.planfix_id
    left outer join record_trips
        on case_records.planfix_id = record_trips.planfix_id
    group by case_records.case_id

),

pair_hashes as (

    select
        cases.left_planfix_id,
        cases.right_planfix_id,
        {{ identifiers_hash('identifiers') }} as identifiers_hash
    from cases
    cross join
        lateral (
            values (cases.left_planfix_id), (cases.right_planfix_id)
        ) as sides (planfix_id)
    inner join identifiers
        on sides.planfix_id = identifiers.planfix_id
    where not identifiers.is_from_trip
    group by cases.left_planfix_id, cases.right_planfix_id

),

asked_pairs as (

    select
        cases.*,
        rules.sentence,
        coalesce(pair_hashes.identifiers_hash, md5('')) as identifiers_hash,
        row_number() over (
            partition by cases.case_id
            order by cases.left_planfix_id, cases.right_planfix_id
        ) as pair_position
    from cases
    inner join rules
        on cases.rule_id = rules.rule_id
    left outer join pair_hashes
        on
            cases.left_planfix_id = pair_hashes.left_planfix_id
            and cases.right_planfix_id = pair_hashes.right_planfix_id

),

gathered as (

    select
        case_id,
        min(priority) as priority,
        min(reason_code) as reason_code,
        min(record_count)::int as record_count,
        min(moved_weight)::bigint as moved_weight,
        min(sentence) filter (where rule_id = reason_code) as reason,
        min(left_planfix_id) filter (where pair_position = 1) as left_planfix_id,
        min(right_planfix_id) filter (where pair_position = 1) as right_planfix_id,
        min(identifiers_hash) filter (where pair_position = 1) as identifiers_hash,
        jsonb_agg(
            jsonb_build_object(
                'left_planfix_id', left_planfix_id,
                'right_planfix_id', right_planfix_id,
                'rule_id', rule_id,
                'sentence', sentence,
                'identifiers_hash', identifiers_hash
            ) order by pair_position
        ) as asked_pairs
    from asked_pairs
    group by case_id

),

first_seen as (

    {{ first_seen(this, 'case_id') }}

),

final as (

    select
        -- ids
        gathered.case_id,
        gathered.left_planfix_id,
        gathered.right_planfix_id,
        laid_out.planfix_ids,

        -- the question
        gathered.priority,
        gathered.reason_code,
        gathered.reason,
        gathered.asked_pairs,
        laid_out.records,
        gathered.identifiers_hash,

        -- numbers
        gathered.record_count,
        gathered.moved_weight,

        -- whose it is
        laid_out.owner,
        coalesce(
            first_seen.first_seen_at,
            '{{ run_started_at.isoformat() }}'::timestamptz
        ) as first_seen_at
    from gathered
    inner join laid_out
        on gathered.case_id = laid_out.case_id
    left outer join first_seen
        on gathered.case_id = first_seen.case_id

)

select * from final
