{#-
    What must outlive a run. Every table is logged, none is a dbt model, `--full-refresh` does not
    touch them. Run again it changes nothing; a new column is an `alter table … add column if not
    exists` at the end.
-#}
{% macro state_tables_ddl(schema) %}
{%- set state = adapter.quote(schema) -%}
create schema if not exists {{ state }};

create table if not exists {{ state }}.runs (
    run_id text primary key,
    kind text not null default 'publish' check (kind in ('publish', 'rollback')),
    target text not null,
    operator text not null,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    status text not null default 'running'
        check (status in ('running', 'done', 'stopped', 'failed')),
    source_state jsonb not null default '{}'
);

create table if not exists {{ state }}.batches (
    batch_id bigint generated always as identity primary key,
    run_id text not null references {{ state }}.runs,
    plan_id text not null,
    batch_number int not null,
    kind text not null default 'publish' check (kind in ('publish', 'rollback')),
    undoes_batch_id bigint references {{ state }}.batches,
    customers int not null default 0,
    rows_inserted int not null default 0,
    rows_updated int not null default 0,
    rows_retired int not null default 0,
    rows_left int not null default 0,
    counts jsonb not null default '{}',
    attempts int not null default 1,
    operator text not null,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    unique (plan_id, batch_number)
);

create index if not exists batches_run_id_idx on {{ state }}.batches (run_id);

-- the baseline: what we wrote last, one hash per column group in the order of publish_tables()
create table if not exists {{ state }}.published_rows (
    table_name text not null,
    row_key uuid not null,
    row_id uuid not null,
    customer_id uuid not null,
    first_batch_id bigint not null,
    batch_id bigint not null,
    group_hashes bigint[] not null,
    -- what tells apart first: six names compared at every step would cost half of the search
    primary key (row_key, table_name)
);

-- before-images of everything but inserts, whose before-image is nothing
create table if not exists {{ state }}.row_changes (
    change_id bigint generated always as identity primary key,
    batch_id bigint not null references {{ state }}.batches,
    table_name text not null,
    row_key uuid not null,
    row_id uuid not null,
    customer_id uuid not null,
    action text not null check (
        action in ('update', 'retire', 'forget', 'adopt', 'left_alone', 'restore', 'remove')
    ),
    column_groups text[] not null default '{}',
    changed_columns text[] not null default '{}',
    before_values jsonb,
    after_values jsonb,
    before_published jsonb,
    reason text,
    source_record text,
    undoes_change_id bigint references {{ state }}.row_changes
);

create index if not exists row_changes_undoes_change_id_idx
    on {{ state }}.row_changes (undoes_change_id)
    where undoes_change_id is not null;

create index if not exists row_changes_batch_id_idx on {{ state }}.row_changes (batch_id);
create index if not exists row_changes_row_id_idx
    on {{ state }}.row_changes (row_id, table_name);

create table if not exists {{ state }}.rollback_leftovers (
    leftover_id bigint generated always as identity primary key,
    run_id text not null references {{ state }}.runs,
    undoes_batch_id bigint not null references {{ state }}.batches,
    table_name text not null,
    row_id uuid not null,
    customer_id uuid not null,
    reason text not null,
    noted_at timestamptz not null default now()
);

create table if not exists {{ state }}.customer_identity (
    planfix_id bigint primary key,
    customer_id uuid not null,
    cluster_id bigint not null,
    match_rule text,
    first_assigned_at timestamptz not null default now(),
    assigned_at timestamptz not null default now(),
    run_id text
);

create index if not exists customer_identity_customer_id_idx
    on {{ state }}.customer_identity (customer_id);

create table if not exists {{ state }}.identity_events (
    event_id bigint generated always as identity primary key,
    occurred_at timestamptz not null default now(),
    run_id text not null,
    event text not null,
    customer_id uuid,
    other_customer_id uuid,
    planfix_id bigint,
    detail text
);

create index if not exists identity_events_customer_id_idx
    on {{ state }}.identity_events (customer_id);
create index if not exists identity_events_planfix_id_idx
    on {{ state }}.identity_events (planfix_id);

create table if not exists {{ state }}.match_decisions (
    decision_id bigint generated always as identity primary key,
    left_planfix_id bigint not null,
    right_planfix_id bigint not null,
    verdict text not null check (verdict in ('same', 'different', 'unsure')),
    reason text,
    decided_by text not null,
    decided_at timestamptz not null default now(),
    identifiers_hash text,
    check (left_planfix_id <> right_planfix_id)
);

create table if not exists {{ state }}.value_decisions (
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

create table if not exists {{ state }}.field_decisions (
    decision_id bigint generated always as identity primary key,
    customer_id uuid not null,
    field text not null,
    planfix_id bigint not null,
    reason text,
    decided_by text not null,
    decided_at timestamptz not null default now()
);

create table if not exists {{ state }}.conflict_decisions (
    decision_id bigint generated always as identity primary key,
    conflict_key text not null,
    table_name text not null,
    row_id uuid not null,
    customer_id uuid not null,
    column_group text,
    verdict text not null check (verdict in ('crm', 'planfix')),
    reason text,
    decided_by text not null check (btrim(decided_by) <> ''),
    decided_at timestamptz not null default now()
);

create table if not exists {{ state }}.waivers (
    waiver_id bigint generated always as identity primary key,
    gate text not null,
    limit_value numeric,
    reason text not null check (btrim(reason) <> ''),
    granted_by text not null check (btrim(granted_by) <> ''),
    granted_at timestamptz not null default now(),
    valid_until timestamptz not null
);

create table if not exists {{ state }}.qa_verdicts (
    verdict_id bigint generated always as identity primary key,
    sample_key text not null,
    customer_id uuid not null,
    verdict text not null check (verdict in ('correct', 'wrong', 'unsure')),
    comment text,
    given_by text not null check (btrim(given_by) <> ''),
    given_at timestamptz not null default now()
);

create table if not exists {{ state }}.desk_actions (
    action_id bigint generated always as identity primary key,
    acted_at timestamptz not null default now(),
    acted_by text not null check (btrim(acted_by) <> ''),
    page text not null,
    item text not null,
    action text not null,
    detail text
);

create table if not exists {{ state }}.freezes (
    freeze_id bigint generated always as identity primary key,
    started_at timestamptz not null,
    declared_by text not null check (btrim(declared_by) <> ''),
    declared_at timestamptz not null default now(),
    comment text
);

create table if not exists {{ state }}.sign_offs (
    sign_off_id bigint generated always as identity primary key,
    run_id text not null,
    signed_by text not null check (btrim(signed_by) <> ''),
    signed_at timestamptz not null default now(),
    acceptance jsonb not null,
    qa_result jsonb not null,
    waivers jsonb not null default '[]',
    comment text
);

create table if not exists {{ state }}.archives (
    archive_id bigint generated always as identity primary key,
    archive_name text not null,
    manifest_sha256 text not null,
    tables int not null,
    total_rows bigint not null,
    latest_fetched_at timestamptz,
    created_by text not null,
    created_at timestamptz not null default now()
);

create table if not exists {{ state }}.purges (
    purge_id bigint generated always as identity primary key,
    sign_off_id bigint not null,
    archive_id bigint,
    counts jsonb not null,
    purged_by text not null,
    purged_at timestamptz not null default now()
);

-- no memory of what happened: to lose it costs the time of testing again
create table if not exists {{ state }}.passed_tests (
    test_id text primary key,
    inputs text not null,
    passed_at timestamptz not null default now()
);

-- what is known of tables card by card and customer by customer: see macros/reuse. As little of a memory, so not logged; a
-- crash empties all of them, and everything is built whole once
create unlogged table if not exists {{ state }}.card_versions (
    relation text,
    version text,
    generation bigint not null,
    primary key (relation, version)
);

create unlogged table if not exists {{ state }}.card_changes (
    relation text,
    generation bigint,
    planfix_id bigint,
    primary key (relation, generation, planfix_id)
);

create unlogged table if not exists {{ state }}.customer_changes (
    relation text,
    generation bigint,
    customer_id uuid,
    primary key (relation, generation, customer_id)
);

-- up to where the writers of a table were seen when it was last asked whose rows changed
create unlogged table if not exists {{ state }}.customer_watermarks (
    relation text primary key,
    place text not null,
    horizon bigint not null,
    row_count bigint not null,
    version text not null
);

-- whose rows of the baseline were deleted, by whomever, since it was last asked
create unlogged table if not exists {{ state }}.unpublished_customers (
    customer_id uuid not null
);

create unlogged table if not exists {{ state }}.card_builds (
    relation text primary key,
    version text not null,
    rest text not null,
    inputs jsonb not null
);

-- asked first: the command would wait for a batch that is being written
do $body$
begin
    if not exists (
        select from pg_attribute
        where attrelid = '{{ state }}.batches'::regclass and attname = 'publisher'
    ) then
        alter table {{ state }}.batches add column publisher smallint not null default 1;
    end if;
end
$body$;

-- a row that is gone says nothing itself, and the comparison looks at few of those that stay
create or replace function {{ state }}.note_unpublished() returns trigger
language plpgsql security definer set search_path = pg_catalog as $body$
begin
    insert into {{ state }}.unpublished_customers (customer_id)
    select distinct customer_id from unpublished;
    return null;
end
$body$;

do $body$
begin
    if not exists (
        select from pg_trigger
        where
            tgrelid = '{{ state }}.published_rows'::regclass
            and tgname = 'note_unpublished'
    ) then
        create trigger note_unpublished
            after delete on {{ state }}.published_rows
            referencing old table as unpublished
            for each statement execute function {{ state }}.note_unpublished();
    end if;
end
$body$;

-- what people decided is never rewritten: a new decision is a new row
create or replace function {{ state }}.refuse_change() returns trigger
language plpgsql as $body$
begin
    raise exception '%.% only grows: add a row that says otherwise instead',
        tg_table_schema, tg_table_name
        using errcode = 'insufficient_privilege';
end
$body$;
{% for name in [
    'identity_events',
    'match_decisions',
    'value_decisions',
    'field_decisions',
    'conflict_decisions',
    'waivers',
    'qa_verdicts',
    'desk_actions',
    'freezes',
    'sign_offs',
    'archives',
    'purges',
    'rollback_leftovers',
] %}
create or replace trigger only_grows
    before update or delete or truncate on {{ state }}.{{ name }}
    for each statement execute function {{ state }}.refuse_change();
{% endfor %}
{% endmacro %}
