"""A database that an earlier version of this project filled goes on with this one."""

from __future__ import annotations

import json

from tests.pytest.e2e.conftest import Migration

# keys as they were before rows of a customer had theirs side by side
EARLIER_KEYS = """
    alter table migration.published_rows drop constraint published_rows_pkey;

    update riderra.customer_contacts
    set id = md5(customer_id || '|' || channel || '|' || value || '|' || extension)::uuid;
    update riderra.customer_consents
    set id = md5(customer_id || '|' || channel || '|' || purpose)::uuid;

    with earlier as (
        select
            'customer_contacts' as table_name,
            id,
            (left(customer_id::text, 8) || substr(replace(id::text, '-', ''), 9))::uuid as row_key
        from riderra.customer_contacts
        union all
        select
            'customer_consents',
            id,
            (left(customer_id::text, 8) || substr(replace(id::text, '-', ''), 9))::uuid
        from riderra.customer_consents
        union all
        select
            'customer_tags',
            md5(row(customer_id, kind, tag)::text)::uuid,
            (
                left(customer_id::text, 8)
                || substr(md5(row(customer_id, kind, tag)::text), 9)
            )::uuid
        from riderra.customer_tags
    )

    select * into temporary table earlier_keys from earlier;

    update migration.published_rows as known
    set row_key = earlier.id, row_id = earlier.id
    from earlier_keys as earlier
    where known.table_name = earlier.table_name and known.row_key = earlier.row_key;

    update migration.row_changes as changed
    set
        row_key = earlier.id,
        row_id = earlier.id,
        before_values = case
            when changed.before_values ? 'id'
                then changed.before_values || jsonb_build_object('id', earlier.id)
            else changed.before_values
        end,
        before_published = changed.before_published
            || jsonb_build_object('row_key', earlier.id, 'row_id', earlier.id)
    from earlier_keys as earlier
    where changed.table_name = earlier.table_name and changed.row_key = earlier.row_key;

    alter table migration.published_rows add primary key (table_name, row_key);
"""
CONVERTED = ("customer_contacts", "customer_tags", "customer_consents")


def test_a_baseline_with_keys_all_over_is_converted(migration: Migration) -> None:
    def publish() -> None:
        migration.commands.dbt("run", "--select", "models/publish", check=True)

    keys = (
        "select table_name, row_key from migration.published_rows "
        "where table_name = any(%s) order by 1, 2"
    )
    labels = "select value, label from riderra.customer_contacts order by customer_id, 1, 2"
    published = migration.rows(labels)
    # something that can be taken back
    assert migration.execute("update ready.customer_contacts set label = 'other'") > 100
    publish()
    relabelled = migration.rows(labels)
    assert relabelled != published
    before = migration.rows(keys, list(CONVERTED))
    assert len(before) > 500
    migration.execute(EARLIER_KEYS)
    assert len(set(migration.rows(keys, list(CONVERTED))) & set(before)) == 0

    publish()
    assert migration.rows(keys, list(CONVERTED)) == before
    assert migration.rows(labels) == relabelled
    assert migration.rows("select distinct action from publish.publish_plan") == []
    assert (
        migration.value(
            "select pg_get_constraintdef(oid) from pg_constraint "
            "where conname = 'published_rows_pkey'"
        )
        == "PRIMARY KEY (row_key, table_name)"
    )

    run_id = migration.value("select run_id from migration.batches order by batch_id desc limit 1")
    rollback = ("run-operation", "rollback", "--args", json.dumps({"run_id": run_id}))
    migration.commands.dbt(*rollback, check=True)
    assert migration.rows(labels) == published
    assert migration.rows("select * from migration.rollback_leftovers") == []
    # the source says `other` still, and nothing else is to do
    publish()
    assert migration.rows(labels) == relabelled
