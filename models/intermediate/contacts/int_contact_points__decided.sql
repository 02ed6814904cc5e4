-- What people decided about a phone, an address or an account; of several decisions on
-- one key the last one holds, and one that was withdrawn is none.

with

decisions as (

    select * from {{ state_relation('value_decisions') }}

),

latest as (

    select distinct on (contact_point_key)
        contact_point_key,
        split_part(contact_point_key, ':', 1)::bigint as planfix_id,
        split_part(contact_point_key, ':', 2) as channel,
        action,
        corrected_value,
        decided_by,
        decided_at
    from decisions
    where contact_point_key ~ '^[0-9]{1,18}:[a-z]+:[0-9a-f]{16}$'
    order by contact_point_key asc, decided_at desc, decision_id desc

),

final as (

    select * from latest
    where action <> 'withdraw'

)

select * from final
