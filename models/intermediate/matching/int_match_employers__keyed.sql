-- What says that two persons work at one place: the employer's card, its name, the
-- company's mail domain. One row per person and such key.

with

records as (

    select * from {{ ref('int_match_records__prepared') }}

),

stated as (

    select * from {{ ref('int_match_employers__stated') }}

),

collected as (

    select * from {{ ref('int_match_identifiers__collected') }}

),

free_mail_domains as (

    select * from {{ ref('free_mail_domains') }}

),

by_domain as (

    select
        collected.planfix_id,
        'domain:' || split_part(collected.key_value, '@', 2) as employer_key
    from collected
    where
        collected.key_kind = 'email'
        and collected.kind = 'person'
        and not exists (
            select 1 from free_mail_domains
            where free_mail_domains.domain = split_part(collected.key_value, '@', 2)
        )

),

every_key as (

    select
        planfix_id,
        employer_key
    from stated

    union

    select * from by_domain

),

final as (

    select
        records.planfix_id,
        every_key.employer_key,
        records.full_name_key,
        records.name_id,
        count(*) over (partition by every_key.employer_key) as employee_count
    from every_key
    inner join records
        on every_key.planfix_id = records.planfix_id
    where records.kind = 'person'

)

select * from final
