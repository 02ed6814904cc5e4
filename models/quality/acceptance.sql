with

gates as (

    select * from {{ ref('migration_gates') }}
    where area = 'acceptance'

),

final as (

    select
        gate as criterion,
        criterion as description,
        value,
        comparison,
        limit_value,
        unit,
        numerator,
        denominator,
        -- a waiver lets the build pass, it does not make the figure better
        is_met as passed,
        is_waived,
        waived_by,
        waived_until,
        sentence
    from gates

)

select * from final
