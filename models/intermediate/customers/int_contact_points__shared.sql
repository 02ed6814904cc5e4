-- A table of its own, so that an identifier which turns shared changes the cards that
-- show it, and not every client.

with

contact_points as not materialized (

    select * from {{ ref('int_contact_points__normalized') }}

),

-- switchboards, role mailboxes, the phone of a family: few, so that the join stays
-- small
shared_identifiers as (

    select
        key_kind,
        key_value
    from {{ ref('int_identifiers__classified') }}
    where identifier_class in ('shared', 'void')

),

final as (

    select distinct
        contact_points.planfix_id,
        contact_points.channel,
        contact_points.value
    from contact_points
    inner join shared_identifiers
        on
            shared_identifiers.key_kind = case
                when contact_points.channel in ('phone', 'email')
                    then contact_points.channel
                else 'messenger'
            end
            and shared_identifiers.key_value = case contact_points.channel
                when 'phone' then contact_points.value
                when 'email' then contact_points.match_key
                else contact_points.channel || ':' || contact_points.match_key
            end

)

select * from final
