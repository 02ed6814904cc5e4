"""The run dies, the CRM is in the way: every batch is whole or absent, the next run finishes.

A trigger on the live notes stops the publisher in the middle of a batch: it waits there for a
lock that the test holds, so that the test does its harm at a known place.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.pytest.publish.conftest import PEOPLE, STAMPS, TABLES, Published

GATE = 4711
STOP_AT = 23
ALL_BATCHES = 9


def stop_inside_a_batch(crm: Published) -> None:
    """Lets the publisher wait in the batch that writes the notes of customer 23."""
    crm.execute(
        "create function public.wait_for_test() returns trigger language plpgsql as $$ begin"
        f" if new.customer_id = md5('c{STOP_AT}')::uuid then"
        f" perform pg_advisory_xact_lock_shared({GATE}); end if; return new; end $$"
    )
    crm.execute(
        "create trigger wait_for_test before insert on riderra.customer_notes"
        " for each row execute function public.wait_for_test()"
    )


def remove_the_stop(crm: Published) -> None:
    """Takes the trigger away again."""
    crm.execute("drop function public.wait_for_test cascade")


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    """Waits until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it did not happen in time")
        time.sleep(0.05)


@contextmanager
def held(crm: Published) -> Iterator[psycopg.Connection]:
    """Holds the lock that the publisher runs into."""
    with psycopg.connect(crm.commands.database.url(), autocommit=True) as other:
        other.execute(f"select pg_advisory_lock({GATE})")
        yield other


def publisher_pid(crm: Published) -> int | None:
    """Returns the server process that waits inside the batch."""
    found = crm.rows(
        "select pid from pg_locks where locktype = 'advisory' and not granted"
        " and objid = %s and database = (select oid from pg_database"
        " where datname = current_database())",
        GATE,
    )
    return int(found[0][0]) if found else None


def assert_batches_are_whole(crm: Published) -> int:
    """Returns how many batches are written; each of them with all of its rows and state."""
    numbers = [row[0] for row in crm.rows("select batch_number from migration.batches order by 1")]
    assert numbers == list(range(1, len(numbers) + 1))
    assert (
        crm.rows(
            "select table_name, action, row_key from publish.publish_plan as plan"
            " left join migration.published_rows using (table_name, row_key)"
            " where (published_rows.row_id is not null)"
            "  <> (plan.batch_number in (select batch_number from migration.batches))"
        )
        == []
    )
    assert crm.value("select count(*) from riderra.customers") == crm.value(
        "select coalesce(sum(customers), 0) from migration.batches"
    )
    assert crm.value("select count(*) from migration.customer_identity") == crm.value(
        "select coalesce(sum(customers), 0) from migration.batches"
    )
    return len(numbers)


def finish(crm: Published, *select: str) -> None:
    """Runs again and proves that the end is that of an undisturbed run."""
    crm.publish(*select, check=True)
    for table in TABLES:
        own = STAMPS if table != "customers" else {"created_at", "updated_at"}
        assert crm.content("riderra", table, own) == crm.content("ready", table)
    assert crm.value("select count(*) from migration.customer_identity") == PEOPLE
    assert crm.value("select count(*) from migration.identity_events") == PEOPLE


def test_killed_dbt_leaves_whole_batches(planned: Published) -> None:
    stop_inside_a_batch(planned)
    with held(planned):
        process = planned.commands.start("dbt", "run", "--select", "models/publish")
        wait_for(lambda: publisher_pid(planned))
        pid = publisher_pid(planned)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        # the server notices by itself, though it is in the middle of a statement
        wait_for(lambda: not planned.rows("select from pg_stat_activity where pid = %s", pid), 30)
    remove_the_stop(planned)
    done = assert_batches_are_whole(planned)
    assert 0 < done < ALL_BATCHES
    # the publish model by itself goes on with the plan that was made
    resumed = planned.commands.dbt("run", "--select", "publish_batches", check=True)
    assert f"of {ALL_BATCHES - done} batches" in resumed.stdout
    assert assert_batches_are_whole(planned) == ALL_BATCHES
    finish(planned)


@pytest.mark.parametrize("harm", ["pg_terminate_backend", "pg_cancel_backend"])
def test_lost_connection_and_cancelled_query(planned: Published, harm: str) -> None:
    stop_inside_a_batch(planned)
    with held(planned):
        process = planned.commands.start("dbt", "run", "--select", "models/publish")
        wait_for(lambda: publisher_pid(planned))
        planned.rows(f"select {harm}(%s)", publisher_pid(planned))
        assert process.wait(60) != 0
    remove_the_stop(planned)
    assert 0 < assert_batches_are_whole(planned) < ALL_BATCHES
    assert planned.value("select count(*) from migration.runs where status = 'done'") == 0
    finish(planned)


def test_second_publisher_is_refused(planned: Published) -> None:
    stop_inside_a_batch(planned)
    with held(planned) as other:
        process = planned.commands.start("dbt", "run", "--select", "models/publish")
        wait_for(lambda: publisher_pid(planned))
        second = planned.commands.dbt("run", "--select", "publish_batches")
        assert second.returncode != 0
        assert "another publisher is writing to schema riderra" in second.stdout
        other.execute(f"select pg_advisory_unlock({GATE})")
        assert process.wait(60) == 0
    remove_the_stop(planned)
    finish(planned)
    assert planned.rows("select status, count(*) from migration.runs group by 1 order by 1") == [
        ("done", 2),
        ("stopped", 1),
    ]


def is_publisher_waiting(crm: Published) -> bool:
    """Tells whether the publisher waits for a lock of somebody else."""
    return bool(
        crm.rows(
            "select from pg_stat_activity where datname = current_database()"
            " and application_name = 'riderra_migration' and wait_event_type = 'Lock'"
        )
    )


def test_a_deadlock_is_tried_again_and_keeps_the_edit(published: Published) -> None:
    published.execute("update ready.customers set city = 'Tver'")
    published.execute("update ready.customer_notes set body = 'new'")
    with psycopg.connect(published.commands.database.url()) as crm:
        # the server must find the publisher, not the CRM, to be the one that gives way
        crm.execute("set deadlock_timeout = '30s'")
        crm.execute("select from riderra.customer_notes where id = md5('n231')::uuid for update")
        process = published.commands.start("dbt", "run", "--select", "models/publish")
        wait_for(lambda: is_publisher_waiting(published))
        crm.execute("update riderra.customers set city = 'Omsk' where id = md5('c23')::uuid")
        crm.commit()
        assert process.wait(60) == 0
    assert published.value("select max(attempts) from migration.batches") == 2
    assert published.rows("select city, count(*) from riderra.customers group by 1 order by 1") == [
        ("Omsk", 1),
        ("Tver", PEOPLE - 1),
    ]
    assert published.value("select count(*) from riderra.customer_notes where body = 'new'") == (
        2 * PEOPLE
    )
    assert published.rows(
        "select table_name, column_groups, reason from migration.row_changes"
        " where action = 'left_alone'"
    ) == [("customers", ["address"], "edited_in_crm_meanwhile")]
    assert published.value("select sum(rows_left) from migration.batches") == 1


def test_a_lock_that_the_crm_keeps_ends_the_run(published: Published) -> None:
    published.execute("update ready.customers set city = 'Tver'")
    with psycopg.connect(published.commands.database.url()) as crm:
        crm.execute("select from riderra.customers where id = md5('c23')::uuid for update")
        ended = published.publish(
            RIDERRA_PUBLISH_LOCK_TIMEOUT="200ms", RIDERRA_PUBLISH_ATTEMPTS="2"
        )
    assert ended.returncode != 0
    assert "lock timeout after 2 attempts (SQLSTATE 55P03)" in ended.stdout
    written = published.value("select count(*) from riderra.customers where city = 'Tver'")
    assert 0 < written < PEOPLE
    assert written % 5 in {0, 4}
    published.publish(check=True)
    assert published.value("select count(*) from riderra.customers where city = 'Tver'") == PEOPLE


def test_an_edit_between_plan_and_batch_is_kept(published: Published) -> None:
    published.execute("update ready.customers set city = 'Tver' where display_name like '%1_'")
    published.execute("delete from ready.customer_tags where customer_id = md5('c12')::uuid")
    published.execute(
        "insert into ready.customer_contacts (id, customer_id, channel, value, extension,"
        " is_primary) values (md5('new')::uuid, md5('c13')::uuid, 'vk', 'x', '', true)"
    )
    published.commands.dbt(
        "run", "--select", "models/publish", "--exclude", "publish_batches", check=True
    )
    # the CRM is faster than the batch: an edit, the same new contact
    published.execute("update riderra.customers set city = 'Omsk' where id = md5('c12')::uuid")
    published.execute("update riderra.customers set birth_date = null where id = md5('c14')::uuid")
    published.execute(
        "insert into riderra.customer_contacts (customer_id, channel, value, label)"
        " values (md5('c13')::uuid, 'vk', 'x', 'home')"
    )
    done = published.commands.dbt("run", "--select", "publish_batches", check=True)
    assert "2 left to the CRM" in done.stdout
    assert published.rows(
        "select display_name, city from riderra.customers where city <> 'Moscow' order by 1 limit 4"
    ) == [("Name 10", "Tver"), ("Name 11", "Tver"), ("Name 12", "Omsk"), ("Name 13", "Tver")]
    assert published.rows(
        "select city, birth_date from riderra.customers where id = md5('c14')::uuid"
    ) == [("Tver", None)]
    assert published.rows("select label from riderra.customer_contacts where channel = 'vk'") == [
        ("home",)
    ]
    assert published.rows(
        "select table_name, reason from migration.row_changes where action = 'left_alone'"
        " order by 1"
    ) == [
        ("customer_contacts", "appeared_in_crm_meanwhile"),
        ("customers", "edited_in_crm_meanwhile"),
    ]
    # the next plan sees them for what they are
    published.publish(check=True)
    assert published.rows(
        "select action, reason from publish.publish_plan where action <> 'no_change' order by 1"
    ) == [
        ("adopt", "already_in_crm"),
        ("conflict", "changed_on_both_sides"),
        ("keep_crm_edit", "edited_in_crm"),
    ]


def test_a_refusing_trigger_stops_without_saying_values(planned: Published) -> None:
    planned.execute(
        "create function public.refuse() returns trigger language plpgsql as $$ begin"
        " if new.customer_id = md5('c23')::uuid then"
        " raise exception 'no note for %%', new.body using detail = new.body, hint = new.body;"
        " end if; return new; end $$".replace("%%", "%")
    )
    planned.execute(
        "create trigger refuse before insert on riderra.customer_notes"
        " for each row execute function public.refuse()"
    )
    failed = planned.publish("--log-level-file", "debug")
    assert failed.returncode != 0
    assert "a trigger of the CRM, function refuse" in failed.stdout
    logs = (planned.commands.folder / "logs" / "dbt.log").read_text(encoding="utf-8")
    for text in (failed.stdout, failed.stderr, logs):
        assert "Note text" not in text
    assert 0 < assert_batches_are_whole(planned) < ALL_BATCHES
    planned.execute("drop function public.refuse cascade")
    # a constraint that the CRM made stricter than the contract
    planned.execute("alter table riderra.customers add constraint no_tver check (city <> 'Tver')")
    planned.execute("update ready.customers set city = 'Tver' where id = md5('c29')::uuid")
    failed = planned.publish("--log-level-file", "debug")
    assert failed.returncode != 0
    assert "a check in customers, no_tver (SQLSTATE 23514)" in failed.stdout
    logs = (planned.commands.folder / "logs" / "dbt.log").read_text(encoding="utf-8")
    for text in (failed.stdout, failed.stderr, logs):
        assert "Failing row" not in text
        assert "Street 29" not in text
    planned.execute("alter table riderra.customers drop constraint no_tver")
    finish(planned)


def test_gates_stop_also_a_plain_run(published: Published) -> None:
    published.execute("update ready.customers set city = 'Tver'")
    published.execute(
        "update quality.migration_gates set passed = false, sentence = 'Half of it is missing.'"
    )
    before = published.versions("riderra")
    stopped = published.publish()
    assert stopped.returncode != 0
    assert "valid_contacts_in_target: Half of it is missing." in stopped.stdout
    assert published.versions("riderra") == before
    assert (
        published.value("select status from migration.runs order by started_at desc limit 1")
        == "stopped"
    )
    # the plan would overwrite every customer: that is a gate of its own
    assert published.rows(
        "select gate, passed from publish.publish_blast_radius where affected > 0"
    ) == [("live_rows_overwritten", True)]
    published.execute("update quality.migration_gates set passed = true")
    published.publish(check=True)
    assert published.value("select count(*) from riderra.customers where city = 'Tver'") == PEOPLE


def test_a_plan_that_no_longer_holds_is_refused(published: Published) -> None:
    published.execute("update ready.customers set city = 'Tver'")
    published.commands.dbt(
        "run", "--select", "models/publish", "--exclude", "publish_batches", check=True
    )
    published.execute(
        "insert into migration.batches (run_id, plan_id, batch_number, operator, started_at,"
        " finished_at) select run_id, 'another', 1, 'x', now(), now() from migration.runs limit 1"
    )
    refused = published.commands.dbt("run", "--select", "publish_batches")
    assert refused.returncode != 0
    assert "the publish plan is out of date" in refused.stdout


def test_missing_target_tables_are_named(planned: Published) -> None:
    planned.execute("drop schema riderra cascade")
    refused = planned.publish(RIDERRA_CREATE_LIVE_TABLES="false")
    assert refused.returncode != 0
    assert "the target tables are missing: schema riderra" in refused.stdout
    assert "RIDERRA_CREATE_LIVE_TABLES=true" in refused.stdout
    planned.publish(check=True)
    planned.execute("alter table riderra.customers drop column gender")
    refused = planned.publish()
    assert "lacks columns that the migration writes: customers.gender" in refused.stdout
