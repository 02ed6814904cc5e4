"""Good and failing migrations at debug level leave no name, number, address, note or token behind.

What is looked for are words: a leaked row shows by its family name, its phone or its e-mail, in
whatever sentence, JSON or SQL it stands. Words that the project itself writes (given names of the
rules' seeds, terms of the mapping) say nothing and are left out.
"""

from __future__ import annotations

import gzip
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from dbt.task.docs import DOCS_INDEX_FILE_PATH

from tests.pytest.conftest import PROJECT, Commands
from tests.pytest.e2e.conftest import Account, Migration

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("main_job")]

WORD = re.compile(r"[^\W\d_]{4,}")
ADDRESS = re.compile(r"[\w.+-]+@[\w.-]+\w")
NUMBER = re.compile(r"\d{7,}")
ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
WRONG_TOKEN = "a-wrong-token-5d1c"
WRONG_PASSWORD = "a-wrong-password-7b2e"
SETTINGS = {"DBT_DEBUG": "true", "DBT_LOG_FORMAT_FILE": "json", "RUNTIME__LOG_LEVEL": "DEBUG"}


def words(text: str) -> set[str]:
    """Returns what a text could be recognised by."""
    text = ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    found = {word.lower() for word in WORD.findall(text)}
    found |= {address.lower() for address in ADDRESS.findall(text)}
    return found | set(NUMBER.findall(text))


def texts(value: Any) -> Iterator[str]:
    """Goes through all texts in a JSON value."""
    if isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


def personal_words(migration: Migration) -> set[str]:
    """Returns the words of everybody's names, numbers, addresses and notes."""
    found: set[str] = set()
    for card, fields in migration.rows("select payload, custom_fields from planfix_raw.contacts"):
        assert isinstance(card, dict)
        for key in ("name", "midname", "lastname", "address", "email", "description", "skype"):
            found |= words(str(card.get(key) or ""))
        for text in texts([card.get("phones"), card.get("additionalEmailAddresses")]):
            found |= words(text) | words(re.sub(r"\D", "", text))
        for text in texts([card.get("telegram"), card.get("instagram"), fields]):
            found |= {word for word in words(text) if not word.isalpha()}
    for query in (
        "select payload ->> 'description' from planfix_raw.contact_comments",
        "select value from riderra.customer_contacts",
        "select concat_ws(' ', display_name, address) from riderra.customers",
        "select body from riderra.customer_notes",
    ):
        for (text,) in migration.rows(query):
            found |= words(str(text or ""))
    return found


def own_words(parsed_project: Path) -> set[str]:
    """Returns the words of the project and of a dbt that never saw a row."""
    found = words((parsed_project.parent / "manifest.json").read_text(encoding="utf-8"))
    # dbt's own page around the mapping review
    found |= words(Path(DOCS_INDEX_FILE_PATH).read_text(encoding="utf-8"))
    for folder in ("models", "macros", "seeds", "functions", "tests", "docs", "loaders"):
        for path in (PROJECT / folder).rglob("*"):
            if path.suffix in {".sql", ".yml", ".csv", ".md", ".py"} and "pytest" not in path.parts:
                found |= words(path.read_text(encoding="utf-8"))
    return found


def written(*folders: Path) -> Iterator[tuple[str, str]]:
    """Goes through everything on disk, packed files unpacked."""
    for folder in folders:
        for path in folder.rglob("*"):
            # the settings of the test itself; the server is not ours to search
            if not path.is_file() or {"profiles", "postgres"} & set(path.parts):
                continue
            content = path.read_bytes()
            if content[:2] == b"\x1f\x8b":
                content = gzip.decompress(content)
            yield path.name, content.decode("utf-8", errors="replace")


def wait_for(condition: Callable[[], object]) -> None:
    """Waits until something holds."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def kill(process: subprocess.Popen[str]) -> None:
    """Kills a command and all it started in its group."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)


def sleeping(migration: Migration) -> bool:
    """Tells whether a session waits in the test's trigger."""
    found = "select count(*) > 0 from pg_stat_activity where wait_event = 'PgSleep'"
    return bool(migration.value(f"{found} and datname = current_database()"))


def test_failing_and_killed_migrations_name_nobody(
    migration: Migration,
    finished: Migration,
    account: Account,
    tmp_path: Path,
    parsed_project: Path,
) -> None:
    commands = Commands(migration.database, tmp_path, {**migration.commands.extra, **SETTINGS})
    everything = personal_words(migration)
    personal = everything - own_words(parsed_project)
    assert len(personal) > len(everything) / 2
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
        working = tmp_path / "local" / "dlt" / "pipelines" / "planfix"
        assert working.is_dir()
        kill(process)
        wait_for(lambda: not list(working.parent.glob("planfix*")))
        link.execute("drop function public.slow cascade")

    process = commands.start("dbt", "run")
    wait_for((tmp_path / "logs" / "dbt.log").exists)
    time.sleep(10)
    kill(process)

    leaks = {
        name: sorted(found)[:20]
        for name, text in [
            *(("output", text) for text in output),
            *written(tmp_path, finished.commands.folder),
        ]
        if (found := words(text) & personal)
    }
    assert leaks == {}
    secrets = (account.simulator.token, WRONG_TOKEN, migration.database.password, WRONG_PASSWORD)
    for name, text in [("output", "".join(output)), *written(tmp_path, finished.commands.folder)]:
        assert not [secret for secret in secrets if secret in text], name
