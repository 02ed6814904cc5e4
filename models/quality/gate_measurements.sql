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

points as (

    select
        count(*) as contact_points,
        count(contacts.id) as moved
    from {{ ref('int_contact_points__normalized') }} as points
    inner join {{ ref('int_customers__cards') }} as assigned
        on points.planfix_id = assigned.planfix_id
    left outer join {{ ref('customer_contacts') }} as contacts
        on
            assigned.customer_id = contacts.customer_id
            and points.channel = contacts.channel
            and points.value = contacts.value
            and points.extension = contacts.extension

),

stated_consents as (

    select
        assigned.customer_id,
        stated.channel,
        stated.purpose,
        min(
            case stated.status when 'granted' then 3 when 'unknown' then 2 else 1 end
        ) as width
    from {{ ref('int_contact_consents__normalized') }} as stated
    inner join {{ ref('int_customers__cards') }} as assigned
        on stated.planfix_id = assigned.planfix_id
    group by assigned.customer_id, stated.channel, stated.purpose

),

consents as (

    select
        count(*) as consents,
        count(*) filter (
            where
            ready.id is null
            or case ready.status when 'granted' then 3 when 'unknown' then 2 else 1 end
            > stated_consents.width
        ) as widened
    from stated_consents
    left outer join {{ ref('customer_consents') }} as ready
        on
            stated_consents.customer_id = ready.customer_id
            and stated_consents.channel = ready.channel
            and stated_consents.purpose = ready.purpose

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
    cross join points
    cross join consents
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
        ('contact_points_moved', points.moved, points.contact_points, false, 1),
        ('consents_never_widen', consents.widened, consents.consents, true, null)
    ) as measure (gate, numerator, denominator, is_count, value_of_nothing)

)

select * from final
