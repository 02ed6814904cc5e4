-- Apart from the links, which are the same after each extract as long as this is.

with

extract_runs as (

    select * from {{ ref('stg_planfix__extract_runs') }}

),

-- the account that was read last names its own web address; the simulator listens on
-- another port each time, and a link that moves with it would rewrite every row
newest_run as (

    select
        case
            when account ~ '^(localhost|127[.])'
                then 'https://sample.planfix.example'
            else 'https://' || account
        end as web_url
    from extract_runs
    where account is not null
    order by started_at desc nulls last, run_id desc
    limit 1

),

final as (

    select
        coalesce(
            nullif(rtrim({{ setting_literal('planfix_web_url') }}, '/ '), ''),
            max(web_url)
        ) as web_url
    from newest_run

)

select * from final
