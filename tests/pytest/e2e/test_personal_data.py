"""Good and failing migrations at debug level leave nobody's data behind, and no token."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.pytest.e2e.conftest import Account, Finished, Migration
from tests.pytest.e2e.personal import leaks, personal_words, written
from tests.pytest.warm import WarmCommands

pytestmark = pytest.mark.e2e

WRONG_TOKEN = "a-wrong-token-5d1c"
WRONG_PASSWORD = "a-wrong-password-7b2e"
SETTINGS = {"DBT_DEBUG": "true", "DBT_LOG_FORMAT_FILE": "json", "RUNTIME__LOG_LEVEL": "DEBUG"}


def wait_for(condition: Callable[[], object]) -> None:
    """Waits until something holds."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def kill(process: Any) -> None:
    """Kills a command and all it started in its group."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)


def sleeping(migration: Migration) -> bool:
    """Tells whether a session waits in the test's trigger."""
    found = "select count(*) > 0 from pg_stat_activity where wait_event = 'PgSleep'"
    return bool(migration.value(f"{found} and datname = current_database()"))


def test_failing_and_killed_migrations_name_nobody(
    migration: Migration, finished: Finished, account: Account, tmp_path: Path
) -> None:
    folder = tmp_path / "failing"
    folder.mkdir()
    commands = WarmCommands(migration.database, folder, {**migration.commands.extra, **SETTINGS})
    personal = personal_words(finished)
    output = [finished.output]

    def expect_failure(*command: str, **extra: str) -> None:
        done = commands.run(*command, **extra)
        output.append(done.stdout + done.stderr)
        assert done.returncode != 0, done.stdout[-3000:]

    with psycopg.connect(migration.database.url(), autocommit=True) as link:
        # values that do not fit the ready tables: not null, with the failing row in the DETAIL
        link.execute("create table public.kept as table python_functions.parse_phone_results")
        link.execute(
            "update python_functions.parse_phone_results"
            " set result = jsonb_set(result, '{0,e164}', '\"\"') where result -> 0 ? 'e164'"
        )
        expect_failure("dbt", "run", "--select", "int_contact_points__collected+")
        assert "customer_contacts" in output[-1]
        link.execute("truncate python_functions.parse_phone_results")
        link.execute("insert into python_functions.parse_phone_results table public.kept")

        # a CRM that is stricter than its contract; the name is one that is known already
        link.execute(
            "update planfix_raw.contacts set payload = payload || jsonb_build_object('lastname',"
            " (select min(payload ->> 'lastname') from planfix_raw.contacts"
            " where payload ->> 'lastname' ~ '^[А-Я][а-я]{4,}$'))"
            " where id in (select id from planfix_raw.contacts where not is_company"
            " and payload ->> 'lastname' ~ '^[А-Я][а-я]{4,}$' order by id limit 5)"
        )
        link.execute(
            "alter table riderra.customers add constraint odd check (kind is null) not valid"
        )
        expect_failure("dbt", "run")
        assert "a check in customers, odd (SQLSTATE 23514)" in output[-1]
        link.execute("alter table riderra.customers drop constraint odd")

        load = ("dlt", "pipeline", "planfix", "run", "--full")
        expect_failure(*load, PLANFIX_TOKEN=WRONG_TOKEN)
        wrong = replace(migration.database, password=WRONG_PASSWORD)
        expect_failure(*load, DATABASE_URL=wrong.url())
        # a row that the database refuses, quoting it
        link.execute(
            "alter table planfix_raw.contacts add constraint odd check (payload is null) not valid"
        )
        expect_failure(*load)
        link.execute("alter table planfix_raw.contacts drop constraint odd")

        # killed while rows are on their way
        link.execute(
            "create function public.slow() returns trigger language plpgsql as"
            " $$ begin perform pg_sleep(60); return null; end $$"
        )
        link.execute(
            "create trigger slow after insert on planfix_raw.contacts"
            " for each statement execute function public.slow()"
        )
        process = commands.start(*load)
        wait_for(lambda: sleeping(migration))
        working = folder / "local" / "dlt" / "pipelines" / "planfix"
        assert working.is_dir()
        kill(process)
        wait_for(lambda: not list(working.parent.glob("planfix*")))
        link.execute("drop function public.slow cascade")

    process = commands.start("dbt", "run")
    log = folder / "logs" / "dbt.log"
    wait_for(lambda: log.exists() and "sql table model" in log.read_text(encoding="utf-8"))
    time.sleep(2)
    assert process.poll() is None
    kill(process)

    # what was written to disk by all of them, the finished migration among them
    places = (tmp_path, finished.commands.folder)
    assert leaks(personal, *places, output="".join(output)) == {}
    secrets = (account.simulator["PLANFIX_TOKEN"], WRONG_TOKEN, migration.database.password)
    for name, text in [("output", "".join(output)), *written(*places)]:
        assert not [secret for secret in (*secrets, WRONG_PASSWORD) if secret in text], name
