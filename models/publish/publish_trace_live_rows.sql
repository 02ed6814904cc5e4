-- sqlfluff:indentation:template_blocks_indent:False
{{ config(materialized='view') }}

with

live_rows as (
    {%- for table in live_tables() %}
    select
        '{{ table }}' as table_name,
        {{ row_id(table, 'live') }} as row_id,
        {{ 'live.id as customer_id' if table == 'customers' else 'live.customer_id' }}
    from {{ live_relation(table) }} as live
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- the card that decided the row, where one did
deciding_cards as (
    select
        'customers' as table_name,
        customer_id as row_id,
        main_planfix_id as planfix_id,
        null::text as rule
    from {{ ref('int_customers__golden') }}
    union all
    select
        'customer_contacts' as table_name,
        id as row_id,
        planfix_id,
        rule
    from {{ ref('int_customer_contacts__merged') }}
    union all
    select
        'customer_tags' as table_name,
        {{ row_id('customer_tags', 'tags') }} as row_id,
        tags.planfix_id,
        tags.source as rule
    from {{ ref('int_customer_tags__merged') }} as tags
    union all
    select
        'customer_notes' as table_name,
        id as row_id,
        planfix_id,
        note_key as rule
    from {{ ref('int_customer_notes__merged') }}
    union all
    select
        'customer_consents' as table_name,
        id as row_id,
        planfix_id,
        source as rule
    from {{ ref('int_customer_consents__merged') }}
    union all
    select
        'customer_external_links' as table_name,
        id as row_id,
        planfix_id,
        match_rule as rule
    from {{ ref('int_customer_links__merged') }}
),

customer_identity as (
    select * from {{ state_relation('customer_identity') }}
),

cards as (
    select * from {{ ref('int_contacts__normalized') }}
),

published_rows as (
    select * from {{ state_relation('published_rows') }}
),

batches as (
    select * from {{ state_relation('batches') }}
),

final as (
    select
        live_rows.table_name,
        live_rows.row_id,
        live_rows.customer_id,
        case when published_rows.row_id is null then 'crm' else 'migration' end
            as written_by,
        customer_identity.planfix_id,
        deciding_cards.planfix_id is not null as is_deciding,
        customer_identity.match_rule,
        case
            when deciding_cards.planfix_id = customer_identity.planfix_id
                then deciding_cards.rule
        end as row_rule,
        cards.raw_table,
        cards.raw_load_id,
        cards.observed_at,
        cards.source_file,
        published_rows.first_batch_id,
        published_rows.batch_id,
        first_batches.run_id as first_run_id,
        first_batches.finished_at as first_published_at,
        last_batches.run_id,
        last_batches.operator,
        last_batches.finished_at as published_at
    from live_rows
    left outer join published_rows
        on
            live_rows.table_name = published_rows.table_name
            and live_rows.row_id = published_rows.row_id
    left outer join batches as first_batches
        on published_rows.first_batch_id = first_batches.batch_id
    left outer join batches as last_batches
        on published_rows.batch_id = last_batches.batch_id
    left outer join customer_identity
        on live_rows.customer_id = customer_identity.customer_id
    left outer join deciding_cards
        on
            live_rows.table_name = deciding_cards.table_name
            and live_rows.row_id = deciding_cards.row_id
            and customer_identity.planfix_id = deciding_cards.planfix_id
    left outer join cards on customer_identity.planfix_id = cards.planfix_id
)

select * from final
