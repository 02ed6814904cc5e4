{#-
    The six tables of the CRM, for a database that does not have them yet. Where the CRM's own
    migrations made them, this file is never run: the project neither alters nor drops them.
-#}
{% macro live_tables_ddl(schema) %}
create schema if not exists {{ adapter.quote(schema) }};

create table if not exists {{ adapter.quote(schema) }}.customers (
    id uuid not null default gen_random_uuid(),
    tenant_id text,
    kind text not null,
    display_name text not null,
    given_name text,
    family_name text,
    middle_name text,
    company_name text,
    company_id uuid,
    position text,
    website text,
    address text,
    city text,
    country_code char(2),
    language text,
    timezone text,
    birth_date date,
    gender text,
    owner_user_id text,
    incomplete_profile boolean not null default false,
    status text not null default 'active',
    merged_into_id uuid,
    source_created_at timestamptz,
    source_updated_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint customers_pkey primary key (id),
    constraint customers_company_id_fkey
        foreign key (company_id) references {{ adapter.quote(schema) }}.customers (id),
    constraint customers_merged_into_id_fkey
        foreign key (merged_into_id) references {{ adapter.quote(schema) }}.customers (id),
    constraint customers_kind_check check (kind in ('person', 'company')),
    constraint customers_gender_check check (gender in ('female', 'male')),
    constraint customers_status_check
        check (status in ('active', 'archived', 'merged')),
    -- set exactly when merged, and never to itself
    constraint customers_merged_into_id_check check (
        (status = 'merged') = (merged_into_id is not null) and merged_into_id <> id
    )
);

create index if not exists customers_company_id_idx
    on {{ adapter.quote(schema) }}.customers (company_id)
    where company_id is not null;

create index if not exists customers_merged_into_id_idx
    on {{ adapter.quote(schema) }}.customers (merged_into_id)
    where merged_into_id is not null;

create table if not exists {{ adapter.quote(schema) }}.customer_contacts (
    id uuid not null default gen_random_uuid(),
    customer_id uuid not null,
    channel text not null,
    value text not null,
    extension text not null default '',
    label text,
    country_code char(2),
    is_primary boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint customer_contacts_pkey primary key (id),
    constraint customer_contacts_customer_id_fkey
        foreign key (customer_id) references {{ adapter.quote(schema) }}.customers (id),
    constraint customer_contacts_customer_id_channel_value_extension_key
        unique (customer_id, channel, value, extension),
    constraint customer_contacts_channel_check check (
        channel in (
            'phone',
            'email',
            'telegram',
            'whatsapp',
            'viber',
            'skype',
            'facebook',
            'instagram',
            'vk'
        )
    ),
    constraint customer_contacts_label_check
        check (label in ('mobile', 'work', 'home', 'other'))
);

create unique index if not exists customer_contacts_one_primary_key
    on {{ adapter.quote(schema) }}.customer_contacts (customer_id, channel)
    where is_primary;

create table if not exists {{ adapter.quote(schema) }}.customer_tags (
    customer_id uuid not null,
    tag text not null,
    kind text not null,
    constraint customer_tags_customer_id_kind_tag_key unique (customer_id, kind, tag),
    constraint customer_tags_customer_id_fkey
        foreign key (customer_id) references {{ adapter.quote(schema) }}.customers (id),
    constraint customer_tags_kind_check check (kind in ('tag', 'group', 'segment'))
);

create table if not exists {{ adapter.quote(schema) }}.customer_notes (
    -- made from the key of the source note, which makes a source note unique
    id uuid not null default gen_random_uuid(),
    customer_id uuid not null,
    body text not null,
    is_truncated boolean not null default false,
    author_user_id text,
    author_name text,
    noted_at timestamptz,
    kind text not null default 'comment',
    constraint customer_notes_pkey primary key (id),
    constraint customer_notes_customer_id_fkey
        foreign key (customer_id) references {{ adapter.quote(schema) }}.customers (id),
    constraint customer_notes_kind_check check (kind in ('comment', 'description'))
);

create index if not exists customer_notes_customer_id_idx
    on {{ adapter.quote(schema) }}.customer_notes (customer_id);

create table if not exists {{ adapter.quote(schema) }}.customer_consents (
    id uuid not null default gen_random_uuid(),
    customer_id uuid not null,
    channel text not null,
    purpose text not null,
    status text not null,
    source text,
    evidence text,
    captured_at timestamptz,
    constraint customer_consents_pkey primary key (id),
    constraint customer_consents_customer_id_fkey
        foreign key (customer_id) references {{ adapter.quote(schema) }}.customers (id),
    constraint customer_consents_customer_id_channel_purpose_key
        unique (customer_id, channel, purpose),
    constraint customer_consents_purpose_check
        check (purpose in ('service', 'marketing')),
    constraint customer_consents_status_check
        check (status in ('granted', 'denied', 'unknown'))
);

create table if not exists {{ adapter.quote(schema) }}.customer_external_links (
    id uuid not null default gen_random_uuid(),
    customer_id uuid not null,
    source_system text not null,
    entity_type text not null,
    external_id text not null,
    url text,
    match_rule text,
    source_updated_at timestamptz,
    first_migrated_at timestamptz,
    migrated_at timestamptz,
    migrated_by text,
    run_id text,
    constraint customer_external_links_pkey primary key (id),
    constraint customer_external_links_customer_id_fkey
        foreign key (customer_id) references {{ adapter.quote(schema) }}.customers (id),
    constraint customer_external_links_source_key
        unique (source_system, entity_type, external_id),
    constraint customer_external_links_entity_type_check
        check (entity_type in ('contact', 'company'))
);

create index if not exists customer_external_links_customer_id_idx
    on {{ adapter.quote(schema) }}.customer_external_links (customer_id);
{% endmacro %}
