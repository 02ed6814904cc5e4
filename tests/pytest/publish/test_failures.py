"""The run dies, the CRM is in the way: every batch is whole or absent, the next run finishes.

A trigger on the live notes stops the publisher in the middle of a batch: it waits there for a
lock that the test holds, so that the test does its harm at a known place.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from loaders import database as embedded
from tests.pytest.conftest import local_dir
from tests.pytest.publish.conftest import (
    PEOPLE,
    STAMPS,
    TABLES,
    Published,
    publishing_commands,
    wait_for,
)
from tests.pytest.publish.test_rollback import images, rollback
from tests.pytest.publish.upstream import UPSTREAM

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
    assert len(numbers) == len(set(numbers))
    # a phase begins when the one before it is written
    assert (
        crm.rows(
            "select from publish.publish_plan_batches as open, publish.publish_plan_batches as done"
            " join migration.batches on batches.batch_number = done.batch_number"
            " where open.phase < done.phase"
            " and open.batch_number not in (select batch_number from migration.batches)"
        )
        == []
    )
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
        process = planned.commands.start(
            "dbt", "run", "--select", "models/publish", "--threads", "1"
        )
        wait_for(lambda: publisher_pid(planned))
        pid = publisher_pid(planned)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
        # the server notices by itself, though it is in the middle of a statement
        wait_for(lambda: not planned.rows("select from pg_stat_activity where pid = %s", pid), 60)
    remove_the_stop(planned)
    done = assert_batches_are_whole(planned)
    assert 0 < done < ALL_BATCHES
    # the publish model by itself goes on with the plan that was made
    resumed = planned.commands.dbt("run", "--select", "publish_batches", check=True)
    assert f"of {ALL_BATCHES - done} batches" in resumed.stdout
    assert assert_batches_are_whole(planned) == ALL_BATCHES
    finish(planned)


def slow_down(crm: Published) -> None:
    """Lets every statement on the live tables take a while, so that harm hits a batch."""
    crm.execute(
        "create function public.slow() returns trigger language plpgsql as"
        " $$ begin perform pg_sleep(0.03); return null; end $$"
    )
    for table in TABLES:
        crm.execute(
            f"create trigger slow after insert or update or delete on riderra.{table}"
            " for each statement execute function public.slow()"
        )


def publisher_sessions(crm: Published) -> list[tuple[object, ...]]:
    """Returns the publisher's sessions."""
    return crm.rows(
        "select pid from pg_stat_activity where datname = current_database()"
        " and application_name = 'riderra_migration'"
    )


def test_killed_at_any_moment(planned: Published) -> None:
    planned.commands.dbt(
        "run", "--select", "models/publish", "--exclude", "publish_batches", check=True
    )
    slow_down(planned)
    moments = random.Random(5)
    batches = "select count(*) from migration.batches"
    reached = [0]
    while reached[-1] < ALL_BATCHES - 2:
        process = planned.commands.start(
            "dbt", "run", "--select", "publish_batches", "publish_batches__second"
        )
        wait_for(lambda: planned.value(batches) > reached[-1])
        time.sleep(moments.uniform(0, 0.3))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
        wait_for(lambda: not publisher_sessions(planned), 60)
        reached.append(assert_batches_are_whole(planned))
    assert len(reached) > 2
    assert planned.value("select count(*) from migration.runs where status = 'done'") == 0
    finish(planned)


@pytest.fixture
def server_to_crash(tmp_path: Path) -> Iterator[Published]:
    """Upstream rows on a server of its own: a killed backend takes all others along."""
    home = Path(tempfile.mkdtemp(prefix="riderra-server-"))
    with local_dir(home):
        server = embedded.start()
    try:
        found = replace(server, dbname="work")
        with psycopg.connect(replace(server, dbname="postgres").url(), autocommit=True) as link:
            link.execute(f"create database {found.dbname}")
        with psycopg.connect(found.url(), autocommit=True) as link:
            link.execute(UPSTREAM.replace(":people", str(PEOPLE)))
            yield Published(publishing_commands(found, tmp_path), link)
    finally:
        with local_dir(home):
            embedded.clean()
        shutil.rmtree(home, ignore_errors=True)


def test_killed_server_process(server_to_crash: Published) -> None:
    crm = server_to_crash
    crm.commands.dbt("run-operation", "prepare_database", check=True)
    stop_inside_a_batch(crm)
    with psycopg.connect(crm.commands.database.url(), autocommit=True) as other:
        other.execute(f"select pg_advisory_lock({GATE})")
        process = crm.commands.start("dbt", "run", "--select", "models/publish", "--threads", "1")
        wait_for(lambda: publisher_pid(crm))
        pid = publisher_pid(crm)
        assert pid
        os.kill(pid, signal.SIGKILL)
        assert process.wait(180) != 0
    crm.link = reconnected(crm)
    remove_the_stop(crm)
    # unlogged tables are empty now, the CRM and the state are whole
    assert crm.rows(
        "select (select count(*) from ready.customers), (select count(*) from publish.publish_plan)"
    ) == [(0, 0)]
    done = crm.value("select count(*) from migration.batches")
    assert 0 < done < ALL_BATCHES
    assert crm.value("select count(*) from riderra.customers") == crm.value(
        "select sum(customers) from migration.batches"
    )
    assert sum(len(rows) for rows in crm.live().values()) == crm.value(
        "select count(*) from migration.published_rows"
    )
    # neither the lost plan nor one made of lost rows, by which everybody would be archived
    before = crm.live()
    for select in ("publish_batches", "models/publish"):
        refused = crm.commands.dbt("run", "--select", select)
        assert refused.returncode != 0
        assert "the server lost its unlogged tables in a crash. Run dbt build." in refused.stdout
    crm.execute("update quality.migration_gates set passed = false")
    crm.execute("truncate quality.migration_gates")
    refused = crm.commands.dbt("run", "--select", "publish_batches")
    assert "no gate was judged" in refused.stdout
    assert crm.live() == before
    # dbt build makes everything upstream again
    for schema in ("ready", "intermediate", "quality", "staging"):
        crm.execute(f"drop schema {schema} cascade")
    crm.execute(UPSTREAM.replace(":people", str(PEOPLE)))
    finish(crm)


def reconnected(crm: Published) -> psycopg.Connection:
    """Returns a new connection, once the server has recovered."""
    end = time.monotonic() + 60
    while True:
        try:
            return psycopg.connect(crm.commands.database.url(), autocommit=True)
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def test_a_killed_rollback_goes_on(published: Published) -> None:
    before = images(published)
    published.execute("update ready.customers set city = 'Tver'")
    published.publish(check=True)
    run_id = published.value("select run_id from migration.runs order by started_at desc limit 1")
    published.execute(
        "create function public.wait_for_test() returns trigger language plpgsql as $$ begin"
        f" if new.id = md5('c{STOP_AT}')::uuid then"
        f" perform pg_advisory_xact_lock_shared({GATE}); end if; return new; end $$"
    )
    published.execute(
        "create trigger wait_for_test before update on riderra.customers"
        " for each row execute function public.wait_for_test()"
    )
    with held(published):
        process = published.commands.start(
            "dbt", "run-operation", "rollback", "--args", f"{{run_id: {run_id}}}"
        )
        wait_for(lambda: publisher_pid(published))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
        wait_for(lambda: not publisher_sessions(published), 60)
    remove_the_stop(published)
    taken_back = published.value("select count(*) from riderra.customers where city = 'Moscow'")
    assert 0 < taken_back < PEOPLE
    again = rollback(published, run_id=run_id)
    assert again.returncode == 0, again.stdout
    assert f"{PEOPLE - taken_back} changed rows restored" in again.stdout
    assert images(published) == before


def test_edits_of_a_busy_crm_survive(published: Published) -> None:
    published.execute("update ready.customers set city = 'Tver'")
    published.execute("update ready.customer_notes set body = 'new'")
    slow_down(published)
    edited: dict[str, str] = {}
    tagged: set[str] = set()
    finished = threading.Event()
    choice = random.Random(7)

    def edit() -> None:
        with psycopg.connect(published.commands.database.url(), autocommit=True) as crm:
            number = 0
            while not finished.is_set():
                number += 1
                person = f"Name {choice.randint(1, PEOPLE)}"
                crm.execute(
                    "update riderra.customers set address = %s where display_name = %s",
                    [f"by the CRM {number}", person],
                )
                edited[person] = f"by the CRM {number}"
                person = f"Name {choice.randint(1, PEOPLE)}"
                crm.execute(
                    "insert into riderra.customer_tags (customer_id, tag, kind)"
                    " select id, 'crm', 'tag' from riderra.customers where display_name = %s"
                    " on conflict do nothing",
                    [person],
                )
                tagged.add(person)
                crm.execute(
                    "update riderra.customer_notes set author_name = 'CRM' where id in"
                    " (select id from riderra.customer_notes order by random() limit 1)"
                )
                time.sleep(0.02)

    crm = threading.Thread(target=edit)
    process = published.commands.start("dbt", "run", "--select", "models/publish", "--threads", "1")
    wait_for(lambda: published.value("select count(*) from migration.runs") == 2)
    crm.start()
    assert process.wait(300) == 0
    finished.set()
    crm.join(10)
    assert len(edited) > 5
    # an edit before a batch is kept by it, one after a batch changes what it wrote
    addresses = dict(published.rows("select display_name, address from riderra.customers"))
    assert {person: addresses[person] for person in edited} == edited
    untouched = [
        row
        for row in published.rows("select display_name, city from riderra.customers")
        if row[0] not in edited
    ]
    assert all(city == "Tver" for _, city in untouched)
    for _ in range(2):
        published.publish(check=True)
        addresses = dict(published.rows("select display_name, address from riderra.customers"))
        assert {person: addresses[person] for person in edited} == edited
        assert published.value(
            "select count(*) from riderra.customer_tags where tag = 'crm'"
        ) == len(tagged)
    # other groups of the edited rows got what the source has
    assert published.value("select count(*) from riderra.customer_notes where body = 'new'") == (
        2 * PEOPLE
    )


@pytest.mark.parametrize("harm", ["pg_terminate_backend", "pg_cancel_backend"])
def test_lost_connection_and_cancelled_query(planned: Published, harm: str) -> None:
    stop_inside_a_batch(planned)
    with held(planned):
        process = planned.commands.start(
            "dbt", "run", "--select", "models/publish", "--threads", "1"
        )
        wait_for(lambda: publisher_pid(planned))
        planned.rows(f"select {harm}(%s)", publisher_pid(planned))
        assert process.wait(180) != 0
    remove_the_stop(planned)
    assert 0 < assert_batches_are_whole(planned) < ALL_BATCHES
    assert planned.value("select count(*) from migration.runs where status = 'done'") == 0
    finish(planned)


def test_second_publisher_is_refused(planned: Published) -> None:
    stop_inside_a_batch(planned)
    with held(planned) as other:
        process = planned.commands.start(
            "dbt", "run", "--select", "models/publish", "--threads", "1"
        )
        wait_for(lambda: publisher_pid(planned))
        second = planned.commands.dbt("run", "--select", "publish_batches")
        assert second.returncode != 0
        assert "another publisher is writing to schema riderra" in second.stdout
        undoing = rollback(planned, run_id="all")
        assert undoing.returncode != 0
        assert "another publisher is writing to schema riderra" in undoing.stdout
        other.execute(f"select pg_advisory_unlock({GATE})")
        assert process.wait(180) == 0
    remove_the_stop(planned)
    finish(planned)
    assert planned.rows("select status, count(*) from migration.runs group by 1 order by 1") == [
        ("done", 2),
        ("stopped", 2),
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
        process = published.commands.start(
            "dbt", "run", "--select", "models/publish", "--threads", "1"
        )
        wait_for(lambda: is_publisher_waiting(published))
        crm.execute("update riderra.customers set city = 'Omsk' where id = md5('c23')::uuid")
        crm.commit()
        assert process.wait(180) == 0
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


@pytest.mark.parametrize("attempts", ["5", "1"])
def test_an_edit_between_plan_and_batch_is_kept(published: Published, attempts: str) -> None:
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
    done = published.commands.dbt(
        "run", "--select", "publish_batches", check=True, RIDERRA_PUBLISH_ATTEMPTS=attempts
    )
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
    # the same customer: its batch is the one that no publisher can have written meanwhile
    planned.execute(
        "create or replace function public.refuse() returns trigger language plpgsql as $$ begin"
        " if new.customer_id = md5('c23')::uuid then raise 'could not extend file \"base/1/2\":"
        " No space left on device' using errcode = 'disk_full'; end if; return new; end $$"
    )
    failed = planned.publish()
    assert failed.returncode != 0
    assert "No space left on device" in failed.stdout
    assert "(SQLSTATE 53100). Nothing of it is in the CRM" in failed.stdout
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
    # the Owner accepts it for a time: the run says so and goes on
    published.execute(
        "update quality.migration_gates set passed = true, is_waived = true,"
        " waived_by = 'Owner', waiver_reason = 'a week of grace'"
    )
    done = published.publish(check=True)
    assert (
        "waived gate valid_contacts_in_target: Half of it is missing. Reason: a week of grace"
        in done.stdout
    )
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
