-- Primary contacts that the CRM set: each stays the only one of its channel, so that
-- ours is written as another one.
with

published_rows as (

    select
        row_id,
        row_key,
        group_hashes
    from {{ state_relation('published_rows') }}
    where table_name = 'customer_contacts'

),

ready_contacts as (

    select * from {{ ref('customer_contacts') }}

),

live_primaries as not materialized (

    select
        live_contacts.id,
        live_contacts.customer_id,
        live_contacts.channel,
        {{ group_hashes('customer_contacts', 'live_contacts') }} as group_hashes
    from {{ live_relation('customer_contacts') }} as live_contacts
    where live_contacts.is_primary

),

-- the group of is_primary is the last one
of_the_crm as not materialized (

    select
        live_primaries.id,
        live_primaries.customer_id,
        live_primaries.channel,
        published_rows.row_id,
        published_rows.row_key,
        live_primaries.group_hashes[3] <> published_rows.group_hashes[3]
            as is_primary_edited
    from live_primaries
    left outer join published_rows
        on live_primaries.id = published_rows.row_id
    where
        published_rows.row_id is null
        or live_primaries.group_hashes <> published_rows.group_hashes

),

final as (

    select
        of_the_crm.id,
        of_the_crm.customer_id,
        of_the_crm.channel
    from of_the_crm
    left outer join ready_contacts
        on of_the_crm.row_key = ready_contacts.id
    where
        of_the_crm.row_id is null
        or ready_contacts.id is null
        or (of_the_crm.is_primary_edited and not ready_contacts.is_primary)

)

select * from final
