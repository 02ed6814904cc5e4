with

-- the raw tables themselves: a record that staging lost would be missed by staging
api_records as (

    select id as planfix_id
    from {{ source('planfix_raw', 'contacts') }}
    where {{ finished_loads('planfix_raw') }}
    group by id

),

csv_lines as (

    select * from {{ ref('int_csv_lines__numbered') }}

),

csv_records as (

    select planfix_id
    from csv_lines
    where planfix_id is not null
    group by planfix_id

),

rejected_lines as (

    select * from {{ ref('stg_planfix_csv__rejected_lines') }}

),

contacts as (

    select * from {{ ref('int_contacts__normalized') }}

),

links as (

    select
        customer_id,
        match_rule,
        external_id::bigint as planfix_id
    from {{ ref('customer_external_links') }}
    where source_system = 'planfix'

),

customers as (

    select * from {{ ref('customers') }}

),

golden as (

    select * from {{ ref('int_customers__golden') }}

),

retired_cards as (

    select * from {{ ref('int_customers__retired_cards') }}

),

records as (

    select
        planfix_id,
        bool_or(is_api) as has_api,
        bool_or(not is_api) as has_csv
    from (
        select
            planfix_id,
            true as is_api
        from api_records
        union all
        select
            planfix_id,
            false as is_api
        from csv_records
    ) as both_sources
    group by planfix_id

),

judged as (

    select
        'planfix:' || records.planfix_id as record_key,
        records.planfix_id,
        contacts.kind,
        records.has_api,
        records.has_csv,
        coalesce(links.customer_id, retired_cards.customer_id) as customer_id,
        -- only what stands in the ready tables counts, not what an earlier step claims
        case
            when customers.status = 'archived' and golden.main_planfix_id is not null
                then 'archived'
            when customers.status = 'active' and golden.main_planfix_id is not null
                then 'published'
            when customers.status in ('active', 'archived') then 'merged'
            when
                contacts.exclusion_reason is not null
                and retired_cards.customer_id is not null
                then 'archived'
            when contacts.exclusion_reason is not null then 'excluded'
            else 'unaccounted'
        end as outcome,
        case
            when customers.status = 'archived' and golden.main_planfix_id is not null
                then 'archive_rule'
            when customers.status = 'active' and golden.main_planfix_id is not null
                then 'own_customer'
            when customers.status in ('active', 'archived')
                then 'joined_by_' || links.match_rule
            when contacts.planfix_id is null then 'lost_before_matching'
            when contacts.exclusion_reason is null then 'no_ready_row'
            else contacts.exclusion_reason
        end as reason,
        contacts.exclusion_reason is not null as is_excluded_on_purpose,
        null::text as file_name,
        null::int as line_number
    from records
    left outer join contacts on records.planfix_id = contacts.planfix_id
    left outer join links on records.planfix_id = links.planfix_id
    left outer join customers on links.customer_id = customers.id
    left outer join golden
        on
            links.customer_id = golden.customer_id
            and records.planfix_id = golden.main_planfix_id
    left outer join retired_cards
        on
            links.customer_id is null
            and records.planfix_id = retired_cards.planfix_id

),

-- a line that names no record is a record of its own: nobody can tell whose it is
lost_lines as (

    select
        file_sha256,
        line_number,
        file_name,
        'missing_number' as reason
    from csv_lines
    where
        planfix_id is null
        and not is_blank
    union
    select
        file_sha256,
        line_number,
        file_name,
        reason_code as reason
    from rejected_lines

),

final as (

    select * from judged
    union all
    select
        'line:' || file_sha256 || ':' || line_number as record_key,
        null as planfix_id,
        null as kind,
        false as has_api,
        true as has_csv,
        null as customer_id,
        'excluded' as outcome,
        min(reason collate "C") as reason,
        false as is_excluded_on_purpose,
        min(file_name) as file_name,
        line_number
    from lost_lines
    group by file_sha256, line_number

)

select * from final
