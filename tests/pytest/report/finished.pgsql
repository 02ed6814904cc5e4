-- The columns of a finished migration that the report reads, filled with invented counts.
create schema planfix_raw;
create schema migration;
create schema intermediate;
create schema ready;
create schema quality;
create schema publish;
create schema seeds;
create schema riderra;

create table planfix_raw.extract_runs as
select
    'x1' as run_id,
    'full' as mode,
    'done' as status,
    timestamptz '2026-08-01 08:00+00' as started_at,
    timestamptz '2026-08-01 08:04+00' as finished_at,
    131 as requests_used,
    120 as requests_floor,
    'example.planfix.com' as account;

create table planfix_raw.extract_audit as
select
    'x1' as run_id,
    objects.object,
    objects.expected,
    objects.loaded,
    objects.loaded - objects.expected as difference,
    objects.verdict
from (
    values ('contacts', 1500, 1500, 'ok'),
    ('companies', 500, 500, 'ok'),
    ('contact_comments', 2210, 2210, 'ok'),
    ('tasks', 840, 839, 'short')
) as objects (object, expected, loaded, verdict);

create table migration.runs as
select
    'r' || number as run_id,
    'publish' as kind,
    'dev' as target,
    'anna' as operator,
    timestamptz '2026-07-30 08:05+00' + make_interval(days => number) as started_at,
    timestamptz '2026-07-30 08:06+00' + make_interval(days => number) as finished_at,
    'done' as status
from generate_series(1, 2) as number;

create table migration.batches as
select
    'r2' as run_id,
    number as batch_number,
    900 as rows_inserted,
    100 as rows_updated,
    3 as rows_retired,
    '{"customers_inserted": 900, "customer_contacts_updated": 100, "customer_tags_retired": 3}'::jsonb
        as counts,
    timestamptz '2026-08-01 08:05+00' as started_at,
    timestamptz '2026-08-01 08:05+00' + make_interval(secs => 0.2 + (number % 7) * 0.1) as finished_at
from generate_series(1, 90) as number;

create table migration.identity_events as
select
    'r2' as run_id,
    events.event
from (values ('create', 1480), ('merge', 3), ('absorb', 12)) as events (event, copies)
cross join lateral generate_series(1, events.copies) as copy;

create table publish.cutover_status as
select *
from (
    values (1, 'extract', true, 'newest source read 2026-08-01 08:00 UTC'),
    (9, 'sign_off', false, 'not signed off')
) as steps (step_number, step, is_done, detail);

create table quality.reconciliation_records as
select
    outcomes.outcome,
    outcomes.reason
from (
    values ('published', 'own_customer', 1480),
    ('merged', 'joined_by_phone_full_name', 470),
    ('archived', 'gone_from_source', 12),
    ('excluded', 'test_record', 8),
    ('excluded', 'deleted_in_planfix', 30)
) as outcomes (outcome, reason, copies)
cross join lateral generate_series(1, outcomes.copies) as copy;

create table quality.migration_gates as
select *
from (
    values
    ('valid_contacts_moved', 'acceptance', 'Share of valid contacts that are in the target',
        0.9971, '>=', 0.99, 'share', true, null, null::timestamptz, null),
    ('planfix_link', 'acceptance', 'Share of customers with a Planfix link',
        1, '>=', 1, 'share', true, null, null, null),
    ('manual_review', 'acceptance', 'Share of records that wait for a person',
        0.0062, '<=', 0.01, 'share', true, null, null, null),
    ('books_balance', 'acceptance', 'Source records without an outcome',
        0, '<=', 0, 'count', true, null, null, null),
    ('layers_balance', 'balance', 'Checks that do not balance',
        0, '<=', 0, 'count', true, null, null, null),
    ('extract_complete', 'completeness', 'Objects not extracted completely',
        1, '<=', 0, 'count', false, 'owner', '2026-09-01 00:00+00', 'one task is being archived'),
    ('share_of_live_rows_overwritten', 'blast_radius', 'Share of live rows to be overwritten',
        0.013, '<=', 0.05, 'share', true, null, null, null)
) as gates (
    gate, area, criterion, value, comparison, limit_value, unit, is_met, waived_by, waived_until,
    waiver_reason
);

create table quality.acceptance as
select
    gate as criterion,
    criterion as description,
    value,
    comparison,
    limit_value,
    unit,
    is_met as passed,
    waived_by,
    waived_until
from quality.migration_gates
where area = 'acceptance';

create table quality.contact_point_quality as
select *
from (
    values ('phone', 'RU', 'valid', 1500), ('phone', 'DE', 'valid', 400),
    ('email', null, 'valid', 1210), ('telegram', null, 'valid', 260),
    ('whatsapp', null, 'valid', 180), ('skype', null, 'valid', 44),
    ('phone', 'RU', 'rejected', 88), ('email', null, 'rejected', 41), ('telegram', null, 'rejected', 6)
) as points (channel, country_code, verdict, points);

create table intermediate.int_match_links__scored as
select
    rules.rule_id
from (
    values ('phone_full_name', 260), ('email_full_name', 130), ('phone_partial_name', 11)
) as rules (rule_id, copies)
cross join lateral generate_series(1, rules.copies) as copy;

create table intermediate.int_clusters__final as
select
    number as cluster_id,
    case when number % 9 = 0 then 2 when number % 41 = 0 then 3 else 1 end as cluster_size
from generate_series(1, 1480) as number;

create table ready.customers as
select 'active' as status from generate_series(1, 1480);

create table riderra.customers as
select
    number as id,
    'active' as status,
    number % 30 = 0 as incomplete_profile,
    (array['RU', 'RU', 'RU', 'DE', 'GB', 'FR', 'IT', null, 'ES', 'AE', 'TR', 'US', 'CH', 'AT',
        'GE', 'KZ', 'BY'])[number % 17 + 1] as country_code
from generate_series(1, 1480) as number;

create table riderra.customer_contacts as
select
    id as customer_id,
    channels.channel
from riderra.customers
cross join (values ('phone'), ('email'), ('telegram')) as channels (channel)
where
    not incomplete_profile
    and (channels.channel = 'phone' or id % 3 = 0 and channels.channel = 'email' or id % 11 = 0);

create table quality.quarantine as
select
    reasons.reason_code,
    reasons.reason_code <> 'superseded' as is_open,
    now() - make_interval(days => copy % 9) as first_seen_at
from (
    values ('too_short', 31), ('invalid_for_region', 42), ('placeholder', 20), ('syntax', 41),
    ('superseded', 66)
) as reasons (reason_code, copies)
cross join lateral generate_series(1, reasons.copies) as copy;

alter table quality.quarantine add column planfix_id bigint default 4127;

create table seeds.reason_codes as
select *
from (
    values ('too_short', 'The phone has too few digits'), ('syntax', 'The text is no e-mail address')
) as codes (reason_code, sentence);

create table seeds.match_rules as
select *
from (
    values ('phone_full_name', 'One phone and the same full name', 'strong'),
    ('phone_partial_name', 'One phone, a part of the name', 'weak')
) as rules (rule_id, description, link_class);

create table quality.review_queue as
select
    'match:' || number as case_id,
    number as priority,
    array[number, 4000 + number]::bigint[] as planfix_ids,
    'full_name_alone' as reason_code,
    'Both cards bear one name, and nothing else tells.' as reason,
    now() - interval '3 days' as first_seen_at
from generate_series(1, 12) as number;

create table quality.worklist_managers as select now() as first_seen_at;
create table quality.worklist_tags as select now() as first_seen_at from generate_series(1, 4);
create table quality.worklist_custom_fields as select now() as first_seen_at;
create table quality.worklist_csv_headers (first_seen_at timestamptz);

create table quality.qa_sample as
select
    'key ' || number as sample_key,
    case when number <= 40 then 'person' else 'company' end as kind,
    number % 4 = 0 as is_merged,
    number % 20 = 0 as is_incomplete
from generate_series(1, 73) as number;

create table migration.qa_verdicts as
select
    number as verdict_id,
    'key ' || number as sample_key,
    case when number = 3 then 'wrong' else 'correct' end as verdict
from generate_series(1, 61) as number;

create table publish.publish_plan as
select
    plans.table_name,
    plans.action,
    gen_random_uuid() as row_key
from (
    values ('customers', 'insert', 1480), ('customers', 'update', 12),
    ('customer_contacts', 'insert', 3594), ('customer_contacts', 'conflict', 2),
    ('customer_notes', 'insert', 2210), ('customer_notes', 'keep_crm_edit', 5)
) as plans (table_name, action, copies)
cross join lateral generate_series(1, plans.copies) as copy;

create table publish.publish_plan_summary (
    table_name text, action text, reason text, column_group text, planned_rows bigint
);

insert into publish.publish_plan_summary values
('customers', 'insert', 'new_in_source', null, 1480),
('customers', 'no_change', 'same', null, 40);
