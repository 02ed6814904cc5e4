with

records as (

    select
        count(*) as source_records,
        count(*) filter (where outcome = 'unaccounted') as unaccounted,
        count(*) filter (where not is_excluded_on_purpose) as valid_records,
        count(*) filter (
            where
            not is_excluded_on_purpose
            and outcome in ('published', 'merged', 'archived')
        ) as moved_records
    from {{ ref('reconciliation_records') }}

),

linked_customers as (

    select customer_id
    from {{ ref('customer_external_links') }}
    where source_system = 'planfix'
    group by customer_id

),

customers as (

    select
        count(*) as customers,
        count(*) filter (where linked_customers.customer_id is not null) as linked
    from {{ ref('customers') }} as customers
    left outer join linked_customers
        on customers.id = linked_customers.customer_id
    where customers.status <> 'merged'

),

review as (

    select count(distinct waiting.planfix_id) as records
    from {{ ref('review_queue') }} as cases
    cross join lateral unnest(cases.planfix_ids) as waiting (planfix_id)

),

in_scope as (

    select count(*) as records
    from {{ ref('int_customers__cards') }}

),

balance as (

    select
        count(*) as checks,
        count(*) filter (where not is_balanced) as failures
    from {{ ref('reconciliation_balance') }}
    where section in ('records', 'layers')

),

extract_runs as (

    select
        count(*) as runs,
        count(*) filter (where status is distinct from 'completed') as unfinished
    from (
        select status
        from {{ ref('stg_planfix__extract_runs') }}
        order by started_at desc nulls last, run_id desc
        limit 1
    ) as newest_run

),

extract_checks as (

    select
        count(*) as objects,
        count(*) filter (where not is_balanced) as incomplete
    from {{ ref('reconciliation_balance') }}
    where section = 'extract'

),

per_customer as (

    select
        coalesce(sum(stated_points), 0) as stated_points,
        coalesce(sum(moved_points), 0) as moved_points,
        coalesce(sum(expected_consents), 0) as stated_consents,
        coalesce(sum(widened_consents), 0) as widened_consents
    from {{ ref('reconciliation_customers') }}

),

final as (

    select
        measure.gate,
        measure.numerator::numeric as numerator,
        measure.denominator::numeric as denominator,
        case
            when measure.is_count then measure.numerator::numeric
            -- a share of nothing is no share: the gate fails rather than pass
            -- unmeasured, except where nothing to move means nothing was lost
            when measure.denominator = 0 then measure.value_of_nothing
            else trim_scale(measure.numerator::numeric / measure.denominator)
        end as value
    from records
    cross join customers
    cross join review
    cross join in_scope
    cross join balance
    cross join extract_runs
    cross join extract_checks
    cross join per_customer
    cross join lateral (
        values
        (
            'valid_contacts_moved', records.moved_records, records.valid_records,
            false, null::numeric
        ),
        ('planfix_link', customers.linked, customers.customers, false, null::numeric),
        ('manual_review', review.records, in_scope.records, false, 0),
        ('books_balance', records.unaccounted, records.source_records, true, null),
        ('layers_balance', balance.failures, balance.checks, true, null),
        (
            'source_not_empty', records.source_records, records.source_records,
            true, null
        ),
        ('extract_finished', extract_runs.unfinished, extract_runs.runs, true, null),
        (
            'extract_complete', extract_checks.incomplete, extract_checks.objects,
            true, null
        ),
        (
            'contact_points_moved',
            per_customer.moved_points, per_customer.stated_points, false, 1
        ),
        (
            'consents_never_widen',
            per_customer.widened_consents, per_customer.stated_consents, true, null
        )
    ) as measure (gate, numerator, denominator, is_count, value_of_nothing)

)

select * from final
