-- What several clients hold in common and what therefore joins nobody: switchboards,
-- role mailboxes, bookers, a family's phone, numbers handed on, placeholders. Equal
-- full names on one are joined still, as far as chance does not explain them.

with

classified as (

    select * from {{ ref('int_identifiers__classified') }}

),

collected as (

    select * from {{ ref('int_match_identifiers__collected') }}

),

clusters as (

    select * from {{ ref('int_clusters__final') }}

),

held as (

    select distinct
        classified.identifier_number,
        clusters.cluster_id
    from classified
    inner join collected
        on
            classified.key_kind = collected.key_kind
            and classified.key_value = collected.key_value
    inner join clusters
        on collected.planfix_id = clusters.planfix_id

),

holders as (

    select
        identifier_number,
        count(*) as client_count
    from held
    group by identifier_number

),

counted as (

    select
        classified.*,
        holders.client_count,
        case
            when classified.identifier_class = 'void' then 'placeholder'
            when classified.reason_code = 'hub' then 'crowd'
            when classified.reason_code in (
                'role_mailbox', 'switchboard', 'company_number'
            ) then 'workplace'
            when classified.reason_code = 'employee' then 'own_employee'
            when classified.surnames <= 1 and classified.given_names >= 2 then 'family'
            when classified.reason_code in ('given_names', 'surnames') then 'booker'
            else 'handed_on'
        end as relation
    from classified
    inner join holders
        on classified.identifier_number = holders.identifier_number
    where
        classified.identifier_class in ('shared', 'void')
        or (classified.identifier_class = 'personal' and holders.client_count > 1)

),

final as (

    select
        -- ids
        left(
            encode(sha256(convert_to(key_kind || ':' || key_value, 'UTF8')), 'hex'), 32
        ) as key_hash,

        -- what it is
        key_kind,
        key_value,
        identifier_class,
        reason_code,
        reason_detail,
        relation,
        case relation
            when 'placeholder' then 'A placeholder: it joins nobody.'
            when 'crowd' then 'So many cards show it that it tells nobody apart.'
            when 'workplace' then 'It belongs to a company or a role, not to a person.'
            when 'own_employee' then 'It belongs to one of our own people.'
            when 'family'
                then 'Several given names under one surname: a family shares it.'
            when 'booker'
                then 'Several names: an assistant, an agency or a booker answers.'
            else 'Two names that contradict each other: it was handed on, or is shared.'
        end as sentence,

        -- numbers
        record_count,
        person_count,
        company_count,
        given_names,
        surnames,
        client_count
    from counted

)

select * from final
