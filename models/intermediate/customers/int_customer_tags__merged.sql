with

tags as (

    select
        planfix_id,
        kind,
        tag,
        source collate "C" as source
    from {{ ref('int_contact_tags__mapped') }}

),

members as (

    select * from {{ ref('int_customers__members') }}

),

final as (

    select
        members.customer_id,
        tags.kind,
        tags.tag,
        min(tags.planfix_id) as planfix_id,
        min(tags.source) as source,
        count(distinct tags.planfix_id) as card_count
    from tags
    inner join members on tags.planfix_id = members.planfix_id
    group by members.customer_id, tags.kind, tags.tag

)

select * from final
