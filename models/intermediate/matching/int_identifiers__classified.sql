-- What an identifier may do, decided before it does anything: personal ones link, shared ones link
-- equal full names only, void ones link nothing. Only identifiers on two records or more are here.

with

collected as not materialized (

    select * from {{ ref('int_match_identifiers__collected') }}

),

records as not materialized (

    select * from {{ ref('int_match_records__prepared') }}

),

names as not materialized (

    select * from {{ ref('int_match_names__variants') }}

),

role_mailboxes as (

    select * from {{ ref('role_mailboxes') }}

),

void_values as (

    select * from {{ ref('void_values') }}

),

employee_points as (

    select distinct
        channel,
        match_key
    from {{ ref('int_manager_points__normalized') }}

),

repeated as (

    select
        key_kind,
        key_value,
        count(*) as record_count,
        count(*) filter (where kind = 'person') as person_count,
        count(*) filter (where kind = 'company') as company_count,
        bool_or(has_extension) as has_extension
    from collected
    group by key_kind, key_value
    having count(*) > 1

),

distinct_given_names as (

    select distinct
        collected.key_kind,
        collected.key_value,
        names.given_key,
        names.given_names,
        names.given_skeleton,
        names.is_given_known
    from collected
    inner join repeated
        on
            collected.key_kind = repeated.key_kind
            and collected.key_value = repeated.key_value
    inner join records
        on collected.planfix_id = records.planfix_id
    inner join names
        on records.name_id = names.name_id
    where
        collected.kind = 'person'
        and names.word_shape in ('full', 'given')

),

distinct_surnames as (

    select distinct
        collected.key_kind,
        collected.key_value,
        names.surname_text
    from collected
    inner join repeated
        on
            collected.key_kind = repeated.key_kind
            and collected.key_value = repeated.key_value
    inner join records
        on collected.planfix_id = records.planfix_id
    inner join names
        on records.name_id = names.name_id
    where
        collected.kind = 'person'
        and names.word_shape in ('full', 'surname')

),

given_counts as (

    select
        key_kind,
        key_value,
        count(*) as given_names
    from distinct_given_names
    group by key_kind, key_value

),

surname_counts as (

    select
        key_kind,
        key_value,
        count(*) as surnames
    from distinct_surnames
    group by key_kind, key_value

),

-- three spellings of one name are one name: a spelling counts when no smaller one goes with it
settled_given_counts as (

    select
        one.key_kind,
        one.key_value,
        count(*) as given_names
    from distinct_given_names as one
    inner join given_counts
        on
            one.key_kind = given_counts.key_kind
            and one.key_value = given_counts.key_value
            and given_counts.given_names
            between {{ setting('shared_given_names') }} and 12
    where
        not exists (
            select 1
            from distinct_given_names as other
            where
                one.key_kind = other.key_kind
                and one.key_value = other.key_value
                and one.given_key > other.given_key collate "C"
                and (
                    one.given_names && other.given_names
                    or (
                        not (one.is_given_known and other.is_given_known)
                        and {{ is_typo('one.given_skeleton', 'other.given_skeleton') }}
                    )
                )
        )
    group by one.key_kind, one.key_value

),

settled_surname_counts as (

    select
        one.key_kind,
        one.key_value,
        count(*) as surnames
    from distinct_surnames as one
    inner join surname_counts
        on
            one.key_kind = surname_counts.key_kind
            and one.key_value = surname_counts.key_value
            and surname_counts.surnames
            between {{ setting('shared_surnames') }} and 12
    where
        not exists (
            select 1
            from distinct_surnames as other
            where
                one.key_kind = other.key_kind
                and one.key_value = other.key_value
                and one.surname_text > other.surname_text collate "C"
                and {{ is_typo('one.surname_text', 'other.surname_text') }}
        )
    group by one.key_kind, one.key_value

),

counted as (

    select
        repeated.*,
        coalesce(settled_given_counts.given_names, given_counts.given_names, 0)
            as given_names,
        coalesce(settled_surname_counts.surnames, surname_counts.surnames, 0)
            as surnames,
        case
            when repeated.key_kind = 'email' then split_part(repeated.key_value, '@', 1)
        end as local_part
    from repeated
    left join given_counts
        on
            repeated.key_kind = given_counts.key_kind
            and repeated.key_value = given_counts.key_value
    left join settled_given_counts
        on
            repeated.key_kind = settled_given_counts.key_kind
            and repeated.key_value = settled_given_counts.key_value
    left join surname_counts
        on
            repeated.key_kind = surname_counts.key_kind
            and repeated.key_value = surname_counts.key_value
    left join settled_surname_counts
        on
            repeated.key_kind = settled_surname_counts.key_kind
            and repeated.key_value = settled_surname_counts.key_value

),

reasoned as (

    select
        counted.*,
        (
            select min(void_values.reason)
            from void_values
            where
                void_values.value_kind = counted.key_kind
                and case
                    when void_values.match_type = 'regex'
                        then counted.key_value ~ void_values.value
                    else counted.key_value = void_values.value
                end
        ) as void_reason,
        (
            select min(role_mailboxes.meaning)
            from role_mailboxes
            where
                counted.local_part = role_mailboxes.local_part
                or regexp_replace(counted.local_part, '[._-]?[0-9]+$', '')
                = role_mailboxes.local_part
        ) as role_meaning,
        employee_points.match_key is not null as is_employees
    from counted
    left join employee_points
        on
            counted.key_kind = employee_points.channel
            and counted.key_value = employee_points.match_key

),

final as (

    select
        row_number() over (
            order by key_kind collate "C", key_value collate "C"
        )::int as identifier_number,
        key_kind,
        key_value,
        case
            when void_reason is not null then 'void'
            when key_kind in ('domain', 'registration_number') then 'company'
            when record_count > {{ setting('hub_records') }} then 'shared'
            when role_meaning is not null then 'shared'
            when has_extension then 'shared'
            when is_employees then 'shared'
            when person_count > 0 and company_count > 0 then 'shared'
            when given_names >= {{ setting('shared_given_names') }} then 'shared'
            when surnames >= {{ setting('shared_surnames') }} then 'shared'
            else 'personal'
        end as identifier_class,
        case
            when void_reason is not null then 'placeholder'
            when key_kind in ('domain', 'registration_number') then 'names_a_company'
            when record_count > {{ setting('hub_records') }} then 'hub'
            when role_meaning is not null then 'role_mailbox'
            when has_extension then 'switchboard'
            when is_employees then 'employee'
            when person_count > 0 and company_count > 0 then 'company_number'
            when given_names >= {{ setting('shared_given_names') }} then 'given_names'
            when surnames >= {{ setting('shared_surnames') }} then 'surnames'
            else 'one_holder'
        end as reason_code,
        coalesce(void_reason, role_meaning) as reason_detail,
        record_count,
        person_count,
        company_count,
        given_names,
        surnames
    from reasoned

)

select * from final
