-- The columns that the desk reads, filled with invented people. Every text that can come from the
-- source tries to be a script somewhere.
create schema intermediate;
create schema quality;
create schema staging;
create schema migration;
create schema publish;

-- a text that breaks out of an attribute and out of an element, and says where it stood
create function quality.hostile(place text) returns text
language sql immutable
return '"''><script>document.title="owned"</script><img src=x onerror=document.title="owned"> ' || place;

create table migration.match_decisions (
    decision_id bigint generated always as identity primary key,
    left_planfix_id bigint not null,
    right_planfix_id bigint not null,
    verdict text not null check (verdict in ('same', 'different', 'unsure')),
    reason text,
    decided_by text not null,
    decided_at timestamptz not null default now(),
    identifiers_hash text
);

create table migration.value_decisions (
    decision_id bigint generated always as identity primary key,
    contact_point_key text not null,
    planfix_id bigint,
    action text not null check (action in ('accept', 'correct', 'drop', 'withdraw')),
    corrected_value text,
    reason text,
    decided_by text not null,
    decided_at timestamptz not null default now(),
    check ((action = 'correct') = (corrected_value is not null))
);

create table migration.field_decisions (
    decision_id bigint generated always as identity primary key,
    customer_id uuid not null,
    field text not null,
    planfix_id bigint not null,
    decided_by text not null
);

create table migration.qa_verdicts (
    verdict_id bigint generated always as identity primary key,
    sample_key text not null,
    customer_id uuid not null,
    verdict text not null,
    comment text,
    given_by text not null
);

create table migration.desk_actions (
    action_id bigint generated always as identity primary key,
    acted_at timestamptz not null default now(),
    acted_by text not null,
    page text not null,
    item text not null,
    action text not null,
    detail text
);

create table intermediate.int_contacts__normalized as
select
    number::bigint as planfix_id,
    case when number = 1 then quality.hostile('card.kind') else 'person' end as kind,
    case when number = 1 then quality.hostile('card.display_name') else 'Client ' || number end as display_name,
    case when number = 1 then quality.hostile('card.given_name') else 'Vera' end as given_name,
    case when number = 1 then quality.hostile('card.middle_name') end as middle_name,
    case when number = 1 then quality.hostile('card.family_name') else 'Tutova' end as family_name,
    case when number = 1 then quality.hostile('card.company_name') end as company_name,
    case when number = 1 then quality.hostile('card.position') end as position,
    case when number = 1 then quality.hostile('card.website') else 'javascript:document.title="owned"' end as website,
    case when number = 1 then quality.hostile('card.address') end as address,
    case when number = 1 then quality.hostile('card.city') else case when number % 2 = 0 then 'Kazan' else 'Samara' end end as city,
    case when number = 1 then quality.hostile('card.country_code') else 'RU' end as country_code,
    case when number = 1 then quality.hostile('card.language') end as language,
    case when number = 1 then quality.hostile('card.timezone') end as timezone,
    case when number = 1 then quality.hostile('card.birth_date') end as birth_date,
    case when number = 1 then quality.hostile('card.gender') end as gender,
    case when number = 1 then quality.hostile('card.registration_number') end as registration_number,
    case when number = 1 then quality.hostile('card.group_name') end as group_name,
    case when number = 1 then quality.hostile('card.owner_name') else '{{ 7 * 7 }}' end as owner_name,
    timestamptz '2026-01-01 00:00+00' as source_created_at,
    timestamptz '2026-01-02 00:00+00' as source_updated_at,
    'RU' as region_code
from generate_series(1, 30) as number;

create table intermediate.int_identity__assigned as
select
    planfix_id,
    ('00000000-0000-0000-0000-' || lpad(planfix_id::text, 12, '0'))::uuid as customer_id
from intermediate.int_contacts__normalized
where planfix_id <> 30
union all
select 30, '00000000-0000-0000-0000-000000000029';

create table intermediate.int_customers__provenance as
select
    '00000000-0000-0000-0000-000000000029'::uuid as customer_id,
    'city' as field,
    29::bigint as planfix_id,
    'most_recent' as rule;

create table intermediate.int_contact_points__normalized as
select
    planfix_id,
    'phone' as channel,
    '+1202555' || lpad(planfix_id::text, 4, '0') as value,
    '' as extension
from intermediate.int_contacts__normalized
union all
select 1, 'email', quality.hostile('card.email'), ''
union all
select 1, 'skype', quality.hostile('card.skype'), ''
union all
select 1, 'phone', '+12025550199', quality.hostile('card.extension');

create table intermediate.int_contact_tags__mapped as
select
    1::bigint as planfix_id,
    quality.hostile('card.tag') as tag;
create table intermediate.int_trips__combined (counterparty_planfix_id bigint);

create table intermediate.int_clusters__final as
select
    planfix_id,
    case when planfix_id = 20 then 19 else planfix_id end as cluster_id
from intermediate.int_contacts__normalized;

create table quality.review_queue as
select
    'match:' || number as case_id,
    'full_name_alone' as reason_code,
    case number
        when 1 then quality.hostile('case.reason')
        when 2 then '=HYPERLINK("http://evil.example","click")'
        else 'Same phone, one given name is missing.'
    end as reason,
    number as priority,
    (number * 2 - 1)::bigint as left_planfix_id,
    (number * 2)::bigint as right_planfix_id,
    case
        when number = 10 then array[19, 20, 21, 22]::bigint[]
        else array[number * 2 - 1, number * 2]::bigint[]
    end as planfix_ids,
    case
        when number = 10
            then jsonb_build_array(
                jsonb_build_object(
                    'left_planfix_id', 19, 'right_planfix_id', 21, 'identifiers_hash', 'h1'
                ),
                jsonb_build_object(
                    'left_planfix_id', 21, 'right_planfix_id', 22, 'identifiers_hash', 'h2'
                )
            )
        else jsonb_build_array(
            jsonb_build_object(
                'left_planfix_id', number * 2 - 1,
                'right_planfix_id', number * 2,
                'sentence', case when number = 1 then quality.hostile('pair.sentence') end,
                'identifiers_hash', md5(number::text)
            )
        )
    end as asked_pairs,
    timestamptz '2026-08-01 00:00+00' as first_seen_at,
    jsonb_build_array(
        jsonb_build_object(
            'name',
            case when number = 1 then quality.hostile('case.name') else 'Vera Tutova' end
        )
    ) as records
from generate_series(1, 10) as number;

create table quality.match_explanations as
select
    19::bigint as left_planfix_id,
    20::bigint as right_planfix_id,
    'together' as direction,
    'accepted' as outcome,
    100 as strength,
    quality.hostile('evidence.sentence') as sentence;

create table quality.quarantine as
select
    'contact_point:' || key as quarantine_key,
    key as contact_point_key,
    number::bigint as planfix_id,
    'phone' as field,
    quality.hostile('value.raw') as raw_value,
    'too_short' as reason_code,
    quality.hostile('value.sentence') as sentence,
    quality.hostile('value.advice') as action,
    true as is_open,
    timestamptz '2026-08-01 00:00+00' as first_seen_at
from generate_series(1, 4) as number
cross join lateral (select number || ':phone:' || left(md5(number::text), 16) as key) as keys
union all
select
    'value:' || fields.field || ':5',
    null,
    5,
    fields.field,
    case fields.reason when 'unknown_consent_value' then 'ask' else quality.hostile('value.mapped') end,
    fields.reason,
    'No mapping.',
    'Add a row',
    true,
    timestamptz '2026-08-01 00:00+00'
from (
    values ('consent', 'unknown_consent_value'), ('country', 'unknown_country'),
    ('timezone', 'unknown_timezone')
) as fields (field, reason);

create table quality.worklist_managers as
select
    'manager:9005' as worklist_key,
    9005::bigint as planfix_user_id,
    quality.hostile('manager.name') as user_name,
    12::bigint as records,
    3::bigint as notes;

create table quality.worklist_tags as
select
    'tag:1' as worklist_key,
    'data_tag' as source_kind,
    quality.hostile('tag.value') as source_value,
    2::bigint as records;

create table quality.worklist_custom_fields as
select
    'custom_field:contact:3116' as worklist_key,
    'contact' as object_type,
    '3116' as custom_field_id,
    quality.hostile('field.name') as field_name,
    7::bigint as records,
    4::bigint as example_id;

create table quality.worklist_csv_headers as
select
    'csv_header:1' as worklist_key,
    'Столбец; с "кавычкой"' as header,
    1::bigint as files,
    20::bigint as records
union all
select 'csv_header:2', quality.hostile('header'), 1, 1;

create table staging.stg_crm__users as
select
    'usr_1' as riderra_user_id,
    quality.hostile('user.name') as user_name,
    quality.hostile('user.email') as email,
    true as is_active;

create table quality.qa_sample as
select
    md5(number::text) as sample_key,
    ('00000000-0000-0000-0000-' || lpad(number::text, 12, '0'))::uuid as customer_id,
    'person | single' as stratum,
    number as place,
    jsonb_build_object(
        'api', jsonb_build_array(jsonb_build_object(
            'planfix_id', number,
            'match_rule', quality.hostile('qa.rule'),
            'card', (
                select jsonb_object_agg(name, quality.hostile('qa.' || name))
                from unnest(array['name', 'midname', 'lastname', 'position', 'site', 'address',
                    'email', 'telegram', 'skype', 'description', 'gender', 'birthDate'])
                    as names (name)
            ) || jsonb_build_object(
                'group', jsonb_build_object('id', 1, 'name', quality.hostile('qa.group')),
                'phones', jsonb_build_array(
                    jsonb_build_object('number', quality.hostile('qa.phone'))
                )
            ),
            'custom_fields', jsonb_build_object('3101', jsonb_build_object(
                'name', quality.hostile('qa.field'),
                'stringValue', quality.hostile('qa.fieldvalue')
            ))
        )),
        'csv', jsonb_build_array(jsonb_build_object(
            'planfix_id', number,
            'file', quality.hostile('qa.file'),
            'line', 7,
            'cells', jsonb_build_object(
                quality.hostile('qa.header'), quality.hostile('qa.cell'),
                'Имя Фамилия / Название', quality.hostile('qa.csvname')
            )
        ))
    ) as source,
    jsonb_build_object(
        'customer', jsonb_build_object('display_name', quality.hostile('crm.name')),
        'contacts', jsonb_build_array(jsonb_build_object(
            'channel', 'skype', 'value', quality.hostile('crm.value')
        )),
        'notes', jsonb_build_array(jsonb_build_object(
            'author_name', quality.hostile('crm.author'), 'body', quality.hostile('crm.body')
        )),
        'consents', jsonb_build_array(jsonb_build_object(
            'channel', 'email', 'purpose', 'marketing', 'status', quality.hostile('crm.status')
        )),
        'tags', jsonb_build_array(quality.hostile('crm.tag'))
    ) as target
from generate_series(1, 2) as number;

create table quality.migration_gates as
select
    'books_balance' as gate,
    'acceptance' as area,
    quality.hostile('gate.sentence') as sentence,
    true as is_met,
    false as is_waived,
    true as passed;

create table publish.cutover_status as
select
    9 as step_number,
    'sign_off' as step,
    false as is_needed_to_sign,
    false as is_done,
    quality.hostile('step.detail') as detail,
    'the Owner: dbt run-operation sign_off, or the desk' as what_to_do;
