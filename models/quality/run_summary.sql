with

outcomes as (

    select
        outcome,
        count(*) as records
    from {{ ref('reconciliation_records') }}
    group by outcome

),

customers as (

    select
        status,
        kind,
        count(*) as customers,
        count(*) filter (where incomplete_profile) as incomplete
    from {{ ref('customers') }}
    group by status, kind

),

links as (

    select
        match_rule,
        count(*) as links
    from {{ ref('customer_external_links') }}
    where source_system = 'planfix'
    group by match_rule

),

quarantined as (

    select
        count(*) as items,
        count(*) filter (where is_open) as open_items
    from {{ ref('quarantine') }}

),

review as (

    select count(*) as cases
    from {{ ref('review_queue') }}

),

worklists as (

    select
        'managers' as worklist,
        count(*) as items
    from {{ ref('worklist_managers') }}
    union all
    select
        'tags' as worklist,
        count(*) as items
    from {{ ref('worklist_tags') }}
    union all
    select
        'custom_fields' as worklist,
        count(*) as items
    from {{ ref('worklist_custom_fields') }}
    union all
    select
        'csv_headers' as worklist,
        count(*) as items
    from {{ ref('worklist_csv_headers') }}

),

gates as (

    select
        count(*) filter (where is_met) as met,
        count(*) filter (where is_waived) as waived,
        count(*) filter (where not passed) as failed
    from {{ ref('migration_gates') }}

),

measures as (

    select
        'outcome' as section,
        outcome as measure,
        records as value
    from outcomes
    union all
    select
        'customers' as section,
        status || ' ' || kind as measure,
        customers as value
    from customers
    union all
    select
        'customers' as section,
        'incomplete ' || status || ' ' || kind as measure,
        incomplete as value
    from customers
    union all
    select
        'match_rule' as section,
        coalesce(match_rule, 'unknown') as measure,
        links as value
    from links
    union all
    select
        'people' as section,
        'quarantine' as measure,
        items as value
    from quarantined
    union all
    select
        'people' as section,
        'quarantine open' as measure,
        open_items as value
    from quarantined
    union all
    select
        'people' as section,
        'review queue' as measure,
        cases as value
    from review
    union all
    select
        'people' as section,
        'worklist ' || worklist as measure,
        items as value
    from worklists
    union all
    select
        'gates' as section,
        'met' as measure,
        met as value
    from gates
    union all
    select
        'gates' as section,
        'waived' as measure,
        waived as value
    from gates
    union all
    select
        'gates' as section,
        'failed' as measure,
        failed as value
    from gates

),

final as (

    select
        section || ': ' || measure as summary_key,
        section,
        measure,
        value::bigint as value,
        '{{ invocation_id }}' as run_id
    from measures

)

select * from final
