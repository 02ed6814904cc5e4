"""Tables as the models upstream of publishing make them, written by hand.

Of `:people` customers every tenth is a company and the employer of the next nine's thirds; each
has a phone, two notes and a link to its record, some a second phone, an e-mail, a tag, a consent.
"""

UPSTREAM = """
set client_min_messages = warning;
create schema ready;
create schema intermediate;
create schema quality;

create unlogged table ready.customers as
select
    md5('c' || n)::uuid as id,
    null::text as tenant_id,
    case when n % 10 = 0 then 'company' else 'person' end as kind,
    'Name ' || n as display_name,
    'Given' || n as given_name,
    'Family' || n as family_name,
    null::text as middle_name,
    case when n % 3 = 0 then 'Company ' || n / 10 * 10 end as company_name,
    case
        when n % 10 <> 0 and n % 3 = 0 and n >= 10 then md5('c' || (n / 10 * 10))::uuid
    end as company_id,
    null::text as position,
    null::text as website,
    'Street ' || n as address,
    'Moscow'::text as city,
    'RU'::char(2) as country_code,
    'ru'::text as language,
    'Europe/Moscow'::text as timezone,
    date '1980-01-01' + n % 5000 as birth_date,
    case when n % 2 = 0 then 'male' end as gender,
    'u' || n % 20 as owner_user_id,
    false as incomplete_profile,
    'active'::text as status,
    null::uuid as merged_into_id,
    timestamptz '2020-01-01 00:00+00' + n * interval '1 minute' as source_created_at,
    timestamptz '2024-01-01 00:00+00' + n * interval '1 second' as source_updated_at
from generate_series(1, :people) as n;
alter table ready.customers add primary key (id);

create unlogged table ready.customer_contacts as
select
    md5('p' || n || k)::uuid as id,
    md5('c' || n)::uuid as customer_id,
    'phone'::text as channel,
    '+7999' || lpad(n::text, 6, '0') || k as value,
    ''::text as extension,
    'mobile'::text as label,
    'RU'::char(2) as country_code,
    k = 1 as is_primary
from generate_series(1, :people) as n, generate_series(1, 2) as k
where k = 1 or n % 5 = 0
union all
select
    md5('e' || n)::uuid,
    md5('c' || n)::uuid,
    'email',
    'n' || n || '@example.com',
    '',
    'work',
    null,
    true
from generate_series(1, :people) as n
where n % 5 <> 1;
alter table ready.customer_contacts add primary key (id);

create unlogged table ready.customer_tags as
select
    md5('c' || n)::uuid as customer_id,
    'tag' || n % 7 as tag,
    'tag'::text as kind
from generate_series(1, :people) as n
where n % 2 = 0;
alter table ready.customer_tags add unique (customer_id, kind, tag);

create unlogged table ready.customer_notes as
select
    md5('n' || n || k)::uuid as id,
    md5('c' || n)::uuid as customer_id,
    repeat('Note text ' || n || ' ', 20) as body,
    false as is_truncated,
    'u1'::text as author_user_id,
    'Author'::text as author_name,
    timestamptz '2023-01-01 00:00+00' + n * interval '1 minute' as noted_at,
    'comment'::text as kind
from generate_series(1, :people) as n, generate_series(1, 2) as k;
alter table ready.customer_notes add primary key (id);

create unlogged table ready.customer_consents as
select
    md5('s' || n)::uuid as id,
    md5('c' || n)::uuid as customer_id,
    'email'::text as channel,
    'marketing'::text as purpose,
    'granted'::text as status,
    'planfix'::text as source,
    'field 3107'::text as evidence,
    timestamptz '2023-01-01 00:00+00' as captured_at
from generate_series(1, :people) as n
where n % 3 = 0;
alter table ready.customer_consents add primary key (id);

create unlogged table ready.customer_external_links as
select
    md5('l' || n)::uuid as id,
    md5('c' || n)::uuid as customer_id,
    'planfix'::text as source_system,
    case when n % 10 = 0 then 'company' else 'contact' end as entity_type,
    n::text as external_id,
    'https://example.com/' || n as url,
    'only_record'::text as match_rule,
    timestamptz '2024-01-01 00:00+00' + n * interval '1 second' as source_updated_at
from generate_series(1, :people) as n;
alter table ready.customer_external_links add primary key (id);

create unlogged table intermediate.int_identity__assigned as
select
    n::bigint as planfix_id,
    n::bigint as cluster_id,
    md5('c' || n)::uuid as customer_id,
    null::uuid as previous_customer_id,
    'create'::text as change,
    'only_record'::text as match_rule
from generate_series(1, :people) as n;

create unlogged table intermediate.int_identity__customers as
select
    md5('c' || n)::uuid as customer_id,
    n::bigint as cluster_id,
    'active'::text as status,
    null::uuid as merged_into_id
from generate_series(1, :people) as n;

create unlogged table intermediate.int_identity__events as
select
    'create'::text as event,
    md5('c' || n)::uuid as customer_id,
    null::uuid as other_customer_id,
    n::bigint as planfix_id,
    'new'::text as detail
from generate_series(1, :people) as n;

create table quality.migration_gates (
    gate text, value numeric, limit_value numeric, passed boolean, sentence text,
    is_waived boolean default false, waived_by text, waived_until timestamptz, waiver_reason text
);
insert into quality.migration_gates (gate, value, limit_value, passed, sentence)
values ('valid_contacts_in_target', 1, 0.99, true, 'Valid contacts in the target.');

create table quality.acceptance as
select
    gate as criterion,
    value,
    limit_value,
    passed
from quality.migration_gates;

create table quality.qa_sample as
select
    'sample ' || id as sample_key,
    id as customer_id
from ready.customers
order by id
limit 3;

create table quality.reconciliation_records as
select
    n::bigint as planfix_id,
    'published'::text as outcome,
    'own_customer'::text as reason
from generate_series(1, :people) as n;

create unlogged table intermediate.int_contacts__normalized as
select
    n::bigint as planfix_id,
    timestamptz '2020-01-01 00:00+00' as source_created_at,
    timestamptz '2024-01-01 00:00+00' as source_updated_at,
    false as is_deleted,
    timestamptz '2026-01-01 00:00+00' as observed_at,
    'planfix_raw.contacts'::text as raw_table,
    '1700000000.1'::text as raw_load_id,
    null::text as source_file
from generate_series(1, :people) as n;

create unlogged table intermediate.int_customers__golden as
select
    customer_id,
    cluster_id as main_planfix_id
from intermediate.int_identity__customers;

create unlogged table intermediate.int_customer_contacts__merged as
select
    contacts.id,
    golden.main_planfix_id as planfix_id,
    'newest'::text as rule
from ready.customer_contacts as contacts
inner join intermediate.int_customers__golden as golden using (customer_id);

create unlogged table intermediate.int_customer_tags__merged as
select
    tags.*,
    golden.main_planfix_id as planfix_id,
    'group'::text as source
from ready.customer_tags as tags
inner join intermediate.int_customers__golden as golden using (customer_id);

create unlogged table intermediate.int_customer_notes__merged as
select
    notes.id,
    golden.main_planfix_id as planfix_id,
    'planfix:comment:1'::text as note_key
from ready.customer_notes as notes
inner join intermediate.int_customers__golden as golden using (customer_id);

create unlogged table intermediate.int_customer_consents__merged as
select
    consents.id,
    golden.main_planfix_id as planfix_id,
    consents.source
from ready.customer_consents as consents
inner join intermediate.int_customers__golden as golden using (customer_id);

create unlogged table intermediate.int_customer_links__merged as
select
    id,
    external_id::bigint as planfix_id,
    match_rule
from ready.customer_external_links;

create schema staging;

create table staging.stg_planfix__extract_runs as
select
    'extract'::text as run_id,
    'completed'::text as status,
    timestamptz '2026-01-01 00:00+00' as started_at;

create table staging.stg_planfix_csv__files (file_modified_at timestamptz);

create table staging.stg_planfix__contact_comments (
    planfix_id bigint, commented_at timestamptz, is_technical boolean
);

create table staging.stg_planfix__id_sweep_runs (
    sweep_id text, started_at timestamptz, is_complete boolean
);

create table staging.stg_planfix__id_sweeps (sweep_id text, planfix_id bigint);
"""
