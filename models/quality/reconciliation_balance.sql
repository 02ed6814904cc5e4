with

records as (

    select
        outcome,
        count(*) as records
    from {{ ref('reconciliation_records') }}
    group by outcome

),

contacts as (

    select
        count(*) as records,
        count(*) filter (where has_api) as from_api,
        count(*) filter (where exclusion_reason is null) as in_scope
    from {{ ref('int_contacts__normalized') }}

),

api_raw as (

    -- not count(distinct …), which one process would do alone
    select
        coalesce(sum(rows_read), 0) as rows_read,
        count(*) as records
    from (
        select count(*) as rows_read
        from {{ source('planfix_raw', 'contacts') }}
        where {{ finished_loads('planfix_raw') }}
        group by id
    ) as per_record

),

csv_raw as (

    select count(*) as rows_read
    from {{ source('planfix_csv_raw', 'export_rows') }}
    where {{ finished_loads('planfix_csv_raw') }}

),

csv_lines as (

    select
        count(*) as rows_read,
        count(*) filter (where planfix_id is not null) as numbered,
        count(*) filter (where planfix_id is null and is_blank) as blank,
        count(*) filter (where planfix_id is null and not is_blank) as without_number
    from {{ ref('int_csv_lines__numbered') }}

),

csv_files as (

    select
        coalesce(sum(row_count), 0) as row_count,
        coalesce(sum(rejected_count), 0) as rejected_count
    from {{ ref('stg_planfix_csv__files') }}

),

csv_rejected as (

    select count(*) as rows_read
    from {{ ref('stg_planfix_csv__rejected_lines') }}

),

clusters as (

    select count(*) as records
    from {{ ref('int_clusters__final') }}

),

identities as (

    select
        coalesce(sum(records), 0) as records,
        count(*) as customers
    from (
        select count(*) as records
        from {{ ref('int_customers__cards') }}
        group by customer_id
    ) as per_identity

),

members as (

    select count(*) as records
    from {{ ref('int_customers__members') }}

),

customers as (

    select count(*) filter (where status <> 'merged') as customers
    from {{ ref('customers') }}

),

links as (

    select
        count(*) filter (where source_system = 'planfix') as planfix_links,
        count(*) filter (where source_system <> 'planfix') as legacy_links
    from {{ ref('customer_external_links') }}

),

legacy_ids as (

    select
        count(*) filter (where is_held) as held,
        count(*) filter (where not is_held) as refused
    from {{ ref('int_customer_links__merged') }}
    where source_system <> 'planfix'

),

-- per customer what its cards say, and what is ready
per_customer as (

    select
        coalesce(sum(expected_points), 0) as expected_points,
        coalesce(sum(ready_points), 0) as ready_points,
        coalesce(sum(expected_notes), 0) as expected_notes,
        coalesce(sum(ready_notes), 0) as ready_notes,
        coalesce(sum(expected_consents), 0) as expected_consents,
        coalesce(sum(ready_consents), 0) as ready_consents,
        coalesce(sum(expected_tags), 0) as expected_tags,
        coalesce(sum(ready_tags), 0) as ready_tags
    from {{ ref('reconciliation_customers') }}

),

outcomes as (

    select
        coalesce(sum(records), 0) as source_records,
        coalesce(sum(records) filter (where outcome = 'published'), 0) as published,
        coalesce(sum(records) filter (where outcome = 'merged'), 0) as merged,
        coalesce(sum(records) filter (where outcome = 'archived'), 0) as archived,
        coalesce(sum(records) filter (where outcome = 'excluded'), 0) as excluded,
        coalesce(sum(records) filter (where outcome = 'unaccounted'), 0) as unaccounted
    from records

),

measured as (

    select balance_line.*
    from outcomes
    cross join contacts
    cross join api_raw
    cross join csv_raw
    cross join csv_lines
    cross join csv_files
    cross join csv_rejected
    cross join clusters
    cross join identities
    cross join members
    cross join customers
    cross join links
    cross join legacy_ids
    cross join per_customer
    cross join lateral (
        values
        (
            100, 'records', 'published',
            'records that stand for a customer of their own',
            null, outcomes.published
        ),
        (
            110, 'records', 'merged',
            'records that joined another record''s customer',
            null, outcomes.merged
        ),
        (
            120, 'records', 'archived',
            'records whose customer is archived',
            null, outcomes.archived
        ),
        (
            130, 'records', 'excluded',
            'records left out, each with a reason',
            null, outcomes.excluded
        ),
        (
            140, 'records', 'unaccounted',
            'records that are in none of these',
            0, outcomes.unaccounted
        ),
        (
            150, 'records', 'source = published + merged + archived + excluded',
            'source records against the sum of the four outcomes',
            outcomes.source_records,
            outcomes.published + outcomes.merged + outcomes.archived + outcomes.excluded
        ),
        (
            200, 'layers', 'API rows: raw = records',
            'rows of the API extract against distinct numbers',
            api_raw.rows_read, api_raw.records
        ),
        (
            210, 'layers', 'API rows: raw = normalised',
            'rows of the API extract against normalised records that the API gave',
            api_raw.rows_read, contacts.from_api
        ),
        (
            220, 'layers', 'CSV lines: loader = raw',
            'lines the loader counted against rows in raw',
            csv_files.row_count, csv_raw.rows_read
        ),
        (
            230, 'layers', 'CSV lines: refused by the loader',
            'lines the loader refused against lines kept for people',
            csv_files.rejected_count, csv_rejected.rows_read
        ),
        (
            240, 'layers', 'CSV lines: raw = numbered + blank + without number',
            'rows in raw against lines that found their way',
            csv_raw.rows_read,
            csv_lines.numbered + csv_lines.blank + csv_lines.without_number
        ),
        (
            250, 'layers', 'records: source = normalised + lost lines',
            'source records against normalised records and lines without a number',
            outcomes.source_records,
            contacts.records + csv_lines.without_number + csv_rejected.rows_read
        ),
        (
            260, 'layers', 'records: in scope = clustered',
            'records in scope against records in a cluster',
            contacts.in_scope, clusters.records
        ),
        (
            270, 'layers', 'records: clustered = with identity',
            'records in a cluster against records with a customer id',
            clusters.records, identities.records
        ),
        (
            280, 'layers', 'records: with identity = in the golden record',
            'records with a customer id against records the golden record is made of',
            identities.records, members.records
        ),
        (
            290, 'layers', 'customers: identities = ready',
            'customers of identity against rows ready for the CRM',
            identities.customers, customers.customers
        ),
        (
            300, 'layers', 'links: records in scope = Planfix links',
            'records in scope against links to Planfix',
            contacts.in_scope, links.planfix_links
        ),
        (
            310, 'layers', 'links: legacy ids',
            'foreign ids that have one holder against links',
            legacy_ids.held, links.legacy_links
        ),
        (
            320, 'layers', 'links: legacy ids refused',
            'claims on a foreign id that another customer holds; see quarantine',
            null, legacy_ids.refused
        ),
        (
            330, 'layers', 'contacts: valid = ready',
            'distinct valid addresses per customer against rows ready for the CRM',
            per_customer.expected_points, per_customer.ready_points
        ),
        (
            340, 'layers', 'notes: the last N = ready',
            'notes within the limit per customer against rows ready for the CRM',
            per_customer.expected_notes, per_customer.ready_notes
        ),
        (
            350, 'layers', 'consents: stated = ready',
            'distinct consents per customer against rows ready for the CRM',
            per_customer.expected_consents, per_customer.ready_consents
        ),
        (
            360, 'layers', 'tags: mapped = ready',
            'distinct tags per customer against rows ready for the CRM',
            per_customer.expected_tags, per_customer.ready_tags
        )
    ) as balance_line (place, section, measure, description, expected, actual)

),

-- what the API said it has, object by object, by the newest check of each
extract_checks as (

    select distinct on (object_name)
        object_name,
        verdict,
        expected,
        loaded,
        detail
    from {{ ref('stg_planfix__extract_audit') }}
    order by object_name asc, checked_at desc nulls last, run_id desc

),

combined as (

    select
        place::bigint as position,
        section,
        measure,
        description,
        expected::bigint as expected,
        actual::bigint as actual
    from measured
    union all
    select
        1000 + row_number() over (order by object_name collate "C") as position,
        'extract' as section,
        'API: ' || object_name || ' (' || verdict || ')' as measure,
        coalesce(detail, 'what the API has against what was loaded') as description,
        -- more than counted is no loss: records made while the extract ran
        case
            when verdict = 'surplus' then loaded
            when verdict = 'missing_field' then 1
            else expected
        end as expected,
        loaded as actual
    from extract_checks

),

final as (

    select
        position,
        section,
        measure,
        description,
        expected,
        actual,
        actual - expected as difference,
        case when expected is not null then actual = expected end as is_balanced
    from combined

)

select * from final
