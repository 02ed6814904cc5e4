-- How often a full name is borne in this base, and so how likely two bearers meet by
-- chance.

with

records as (

    select * from {{ ref('int_match_records__prepared') }}

),

counted as (

    select
        kind,
        full_name_key,
        count(*) as record_count
    from records
    where full_name_key is not null
    group by kind, full_name_key

),

totals as (

    select
        kind,
        sum(record_count) as every_record
    from counted
    group by kind

),

-- A name seen on two cards is not as rare as two in a small base: people in general
-- bear it, too.
final as (

    select
        counted.kind,
        counted.full_name_key,
        counted.record_count,
        greatest(counted.record_count - 2, 0)::float8 / totals.every_record
        + 1.0 / greatest(totals.every_record, {{ setting('name_population') }})
            as share_of_others
    from counted
    inner join totals
        on counted.kind = totals.kind

)

select * from final
