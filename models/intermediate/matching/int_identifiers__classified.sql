-- What an identifier may do, decided before it does anything: personal ones link,
-- shared ones link equal full names only, void ones link nothing. Only identifiers on
-- two records or more are here.

with

repeated as not materialized (

    select
        *,
        -- a messenger's name stands before the handle
        case
            when key_kind = 'messenger' then regexp_replace(key_value, '^[a-z]+:', '')
            else key_value
        end as written_value
    from {{ ref('int_match_identifiers__repeated') }}

),

-- one card for each spelling
holders as not materialized (

    select * from {{ ref('int_match_identifiers__holders') }}
    where
        kind = 'person'
        and planfix_id = first_planfix_id

),

names as (

    select * from {{ ref('int_match_names__parsed') }}

),

role_mailboxes as (

    select * from {{ ref('role_mailboxes') }}

),

-- read where it is used, which leaves the patterns to all cores
void_values as not materialized (

    select * from {{ ref('void_values') }}

),

employee_points as (

    select distinct
        channel,
        match_key
    from {{ ref('int_manager_points__normalized') }}

),

distinct_given_names as (

    select distinct
        identifier_number,
        given_key
    from holders
    where word_shape in ('full', 'given')

),

distinct_surnames as (

    select distinct
        identifier_number,
        surname_text
    from holders
    where word_shape in ('full', 'surname')

),

given_counts as (

    select
        identifier_number,
        count(given_key) as given_names
    from distinct_given_names
    group by identifier_number

),

surname_counts as (

    select
        identifier_number,
        count(*) as surnames
    from distinct_surnames
    group by identifier_number

),

-- three spellings of one name are one name: a spelling counts when no smaller one goes
-- with it
doubtful_given_names as (

    select distinct
        holders.identifier_number,
        names.given_key,
        names.given_names,
        names.given_skeleton,
        names.is_given_known
    from given_counts
    inner join holders
        on given_counts.identifier_number = holders.identifier_number
    inner join names
        on holders.planfix_id = names.planfix_id
    where
        given_counts.given_names between {{ setting('shared_given_names') }} and 12
        and holders.spelling_count >= {{ setting('shared_given_names') }}
        and holders.word_shape in ('full', 'given')

),

settled_given_counts as (

    select
        one.identifier_number,
        count(distinct one.given_key) as given_names
    from doubtful_given_names as one
    where
        not exists (
            select 1
            from doubtful_given_names as other
            where
                one.identifier_number = other.identifier_number
                and one.given_key > other.given_key collate "C"  -- noqa: RF02,RF03
                and (
                    one.given_names && other.given_names
                    or (
                        not (one.is_given_known and other.is_given_known)
                        and {{ is_typo('one.given_skeleton', 'other.given_skeleton') }}
                    )
                )
        )
    group by one.identifier_number

),

doubtful_surnames as (

    select distinct_surnames.*
    from surname_counts
    inner join distinct_surnames
        on surname_counts.identifier_number = distinct_surnames.identifier_number
    where
        surname_counts.surnames between {{ setting('shared_surnames') }} and 12

),

settled_surname_counts as (

    select
        one.identifier_number,
        count(*) as surnames
    from doubtful_surnames as one
    where
        not exists (
            select 1
            from doubtful_surnames as other
            where
                one.identifier_number = other.identifier_number
                and one.surname_text
                > other.surname_text collate "C"  -- noqa: RF02,RF03
                and {{ is_typo('one.surname_text', 'other.surname_text') }}
        )
    group by one.identifier_number

),

-- apart from each other, so that values are looked up and only patterns are tried
void_identifiers as (

    select
        repeated.identifier_number,
        void_values.reason
    from repeated
    inner join void_values
        on
            repeated.key_kind = void_values.value_kind
            and repeated.written_value = void_values.value
    where void_values.match_type <> 'regex'

    union all

    select
        repeated.identifier_number,
        void_values.reason
    from repeated
    inner join void_values
        on repeated.key_kind = void_values.value_kind
    where
        void_values.match_type = 'regex'
        and repeated.written_value ~ void_values.value

),

voided as (

    select
        identifier_number,
        min(reason) as void_reason
    from void_identifiers
    group by identifier_number

),

counted as (

    select
        repeated.*,
        coalesce(settled_given_counts.given_names, given_counts.given_names, 0)
            as given_names,
        coalesce(settled_surname_counts.surnames, surname_counts.surnames, 0)
            as surnames,
        voided.void_reason,
        role_mailboxes.meaning as role_meaning,
        employee_points.match_key is not null as is_employees
    from repeated
    left outer join given_counts
        on repeated.identifier_number = given_counts.identifier_number
    left outer join settled_given_counts
        on repeated.identifier_number = settled_given_counts.identifier_number
    left outer join surname_counts
        on repeated.identifier_number = surname_counts.identifier_number
    left outer join settled_surname_counts
        on repeated.identifier_number = settled_surname_counts.identifier_number
    left outer join voided
        on repeated.identifier_number = voided.identifier_number
    left outer join role_mailboxes
        on
            repeated.key_kind = 'email'
            and regexp_replace(
                split_part(repeated.key_value, '@', 1), '[._-]?[0-9]+$', ''
            ) = role_mailboxes.local_part
    left outer join employee_points
        on
            repeated.key_kind = employee_points.channel
            and repeated.key_value = employee_points.match_key

),

final as (

    select
        identifier_number,
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
    from counted

)

select * from final
