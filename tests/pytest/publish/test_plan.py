"""Whole runs: the first one, one with nothing to do, a dry one."""

from __future__ import annotations

import psycopg
import pytest

from tests.pytest.publish.conftest import PEOPLE, TABLES, Published, wait_for

PERSON = "md5('c11')::uuid"


def test_first_run_writes_the_exact_image(planned: Published) -> None:
    done = planned.publish(check=True)
    assert "published 9 of 9 batches" in done.stdout
    for table in TABLES:
        stamps = {"created_at", "updated_at"} | (
            {"first_migrated_at", "migrated_at", "migrated_by", "run_id"}
            if table == "customer_external_links"
            else set()
        )
        assert planned.content("riderra", table, stamps) == planned.content("ready", table)
    run_id, operator, status = planned.rows("select run_id, operator, status from migration.runs")[
        0
    ]
    assert (operator, status) == ("tester", "done")
    assert planned.rows(
        "select distinct run_id, migrated_by, first_migrated_at = migrated_at"
        " from riderra.customer_external_links"
    ) == [(run_id, "tester", True)]
    assert planned.value("select count(*) from migration.customer_identity") == PEOPLE
    assert planned.value("select count(*) from migration.identity_events") == PEOPLE
    # companies come first
    assert planned.rows(
        "select distinct kind from riderra.customers"
        " join migration.published_rows on row_id = id"
        " where first_batch_id = (select min(batch_id) from migration.batches)"
    ) == [("company",)]


@pytest.mark.parametrize("phase", [1, 3])
def test_publishers_share_a_phase(planned: Published, phase: int) -> None:
    """While one waits for a row that the CRM holds, the other goes on; nothing comes twice."""
    # several batches of the few companies
    planned.commands.extra["RIDERRA_PUBLISH_BATCH_SIZE"] = "2"
    planned.commands.dbt(
        "run", "--select", "models/publish", "--exclude", "publish_batches+", check=True
    )
    first = planned.rows(
        "select customers.id, customers.kind, customers.display_name"
        " from publish.publish_plan_customers join ready.customers on id = customer_id"
        " where phase = %s order by batch_number, id limit 1",
        phase,
    )[0]
    with psycopg.connect(planned.commands.database.url()) as crm:
        # a row of the same key that the CRM has not committed: whoever inserts it waits
        crm.execute(
            "insert into riderra.customers (id, kind, display_name) values (%s, %s, %s)", first
        )
        process = planned.commands.start(
            "dbt", "run", "--select", "publish_batches", "publish_batches__second"
        )
        wait_for(
            lambda: (
                planned.value(
                    "select count(*) from migration.batches"
                    " join publish.publish_plan_batches using (batch_number) where phase = %s",
                    phase,
                )
                > 0
            )
        )
        # the next phase waits for the batch that waits
        assert planned.value("select count(*) from publish.publish_plan_batches") > planned.value(
            "select count(*) from migration.batches"
        )
        crm.rollback()
        assert process.wait(180) == 0
    assert planned.rows("select status from migration.runs") == [("done",)]
    assert planned.value("select count(distinct publisher) from migration.batches") == 2
    planned_rows = sum(planned.value(f"select count(*) from ready.{table}") for table in TABLES)
    assert planned.value("select sum(rows_inserted) from migration.batches") == planned_rows
    assert planned.value("select count(*) from migration.published_rows") == planned_rows
    assert planned.value("select sum(rows_left) from migration.batches") == 0


def test_second_run_rewrites_no_row(published: Published) -> None:
    before = published.versions("riderra")
    state = published.versions("migration")
    done = published.publish(check=True)
    assert "nothing to publish" in done.stdout
    assert published.versions("riderra") == before
    after = published.versions("migration")
    assert after.pop("migration.runs") != state.pop("migration.runs")
    assert after == state


def test_rows_written_equal_rows_that_differ(published: Published) -> None:
    """A delta rewrites nothing but the rows whose content changes."""
    published.execute("update ready.customers set city = 'Tver' where display_name like '% 1_'")
    published.execute("delete from ready.customer_tags where customer_id = md5('c12')::uuid")
    published.execute("delete from ready.customer_notes where id = md5('n131')::uuid")
    published.execute("update ready.customer_notes set body = 'x' where id = md5('n132')::uuid")
    published.execute(
        "insert into ready.customer_contacts (id, customer_id, channel, value, extension,"
        f" is_primary) values (md5('new')::uuid, {PERSON}, 'vk', 'x', '', true)"
    )
    published.execute("update ready.customer_external_links set url = 'x' where external_id = '9'")
    before = published.versions("riderra")
    published.publish(check=True)
    after = published.versions("riderra")
    written = published.rows(
        "select sum(rows_updated), sum(rows_inserted), sum(rows_retired) from migration.batches"
        " where run_id = (select run_id from migration.runs order by started_at desc limit 1)"
    )
    assert written == [(12, 1, 2)]
    gone = sum(len(set(before[table]) - set(after[table])) for table in before)
    new = sum(len(set(after[table]) - set(before[table])) for table in before)
    assert (gone, new) == (12 + 2, 12 + 1)


def test_dry_run_leaves_live_and_state_byte_for_byte(published: Published) -> None:
    published.execute(f"update ready.customers set city = 'Tver' where id = {PERSON}")
    published.execute("delete from ready.customer_tags where customer_id = md5('c12')::uuid")
    published.execute("update riderra.customers set city = 'Omsk' where id = md5('c13')::uuid")
    published.execute(
        "insert into ready.customers select (jsonb_populate_record(customers, jsonb_build_object("
        f"'id', md5('new')::uuid, 'display_name', 'New'))).* from ready.customers"
        f" where id = {PERSON}"
    )
    published.execute("update quality.migration_gates set passed = false")
    # a number that the CRM counts: the copy must not count on
    published.execute("alter table riderra.customers add column crm_number serial")
    number = "select last_value from riderra.customers_crm_number_seq"
    counted = published.value(number)
    for schema in ("ready", "intermediate", "quality", "staging"):
        published.execute(f"alter schema {schema} rename to dry_run_{schema}")
    before = published.versions("riderra", "migration")
    done = published.publish("--target", "dry_run", check=True)
    assert "dry run goes on although gates stop the publishing" in done.stdout
    assert published.versions("riderra", "migration") == before
    assert published.value(number) == counted
    assert published.value("select max(crm_number) from dry_run_riderra.customers") == counted + 1
    assert published.rows(
        "select table_name, action, planned_rows, changes_per_column"
        " from dry_run_publish.publish_plan_summary where action <> 'no_change' order by 1, 2"
    ) == [
        ("customer_tags", "retire", 1, None),
        ("customers", "insert", 1, None),
        ("customers", "keep_crm_edit", 1, {"city": 1}),
        ("customers", "update", 1, {"city": 1}),
    ]
    assert published.value("select count(*) from dry_run_publish.publish_plan_samples") == 4
    assert (
        published.value(f"select city from dry_run_riderra.customers where id = {PERSON}") == "Tver"
    )


def test_a_baseline_of_longer_hashes_is_converted(published: Published) -> None:
    """An earlier version kept md5 hashes: a group that is as we wrote it is known to be ours."""
    published.execute(
        """
        drop view publish.publish_trace_live_rows cascade;
        alter table migration.published_rows alter column group_hashes type uuid[]
        using array_fill(md5('another')::uuid, array[cardinality(group_hashes)]);

        update migration.published_rows as known
        set group_hashes = array[
            md5(row(live.customer_id, live.channel, live.value, live.extension)::text)::uuid,
            md5(row(live.label, live.country_code)::text)::uuid,
            md5(row(live.is_primary)::text)::uuid
        ]
        from riderra.customer_contacts as live
        where known.table_name = 'customer_contacts' and known.row_id = live.id;

        create view publish.publish_trace_live_rows as
        select * from migration.published_rows;
        """
    )
    mails = "channel = 'email' and customer_id = md5('c{}')::uuid"
    published.execute(f"update ready.customer_contacts set label = 'home' where {mails.format(12)}")
    published.execute(
        f"update riderra.customer_contacts set label = 'home' where {mails.format(13)}"
    )
    before = published.versions("riderra")
    published.publish(check=True)
    assert published.rows(
        "select customer_id = md5('c12')::uuid, action, reason, column_group"
        " from publish.publish_plan where action <> 'no_change' order by 1"
    ) == [
        # what the CRM changed while the hashes were long is not ours to judge
        (False, "conflict", "changed_on_both_sides", "details"),
        (True, "update", "changed_in_source", "details"),
    ]
    after = published.versions("riderra")
    assert sum(len(set(after[table]) - set(before[table])) for table in after) == 1
    published.publish(check=True)
    assert published.versions("riderra") == after
