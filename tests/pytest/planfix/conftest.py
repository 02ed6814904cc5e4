"""A simulated account in this process, and the extract run against it."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from loaders import pipelines, settings
from loaders.errors import UserError
from loaders.planfix import client
from loaders.planfix.command import PIPELINE
from simulator.generator import generate
from simulator.server import Simulator
from simulator.switches import Switches
from tests.pytest.conftest import create_database, drop_database

SCHEMA = "planfix_raw"
# books of a run, not objects of the account
BOOKS = {
    "extract_runs",
    "extract_audit",
    "id_sweep_runs",
    "capability_profile",
    "extract_state",
    "contact_comment_checks",
    "schema_changes",
}
VOLATILE = {"run_id", "fetched_at", "sweep_id"}


class Account(Simulator):
    """A simulator with shorter names for its controls."""

    deleted = 0

    def act(self, control: str, /, **args: Any) -> Any:
        """Calls a control."""
        return self.control.act(control, args)

    def switch(self, **values: Any) -> None:
        """Sets switches."""
        self.control.act("switch", values)

    def ids(self) -> list[int]:
        """Returns the numbers of the live records, in order."""
        return sorted(c.id for c in self.control.account.contacts if not c.is_deleted)

    def log(self, path: str = "") -> list[dict[str, Any]]:
        """Returns the requests received since the log was cleared."""
        entries = self.control.read_log({"limit": "1000000"})["requests"]
        return [entry for entry in entries if re.search(path, entry["path"])]


@pytest.fixture
def account() -> Iterator[Callable[..., Account]]:
    """Starts accounts: `account(200, seed=3, filter_38="ignored")`."""
    running: list[Account] = []

    def start(size: int = 150, seed: int = 7, **switches: Any) -> Account:
        found = Switches()
        for name, value in {"comment_list_slowness": 0, **switches}.items():
            found.set(name, value)
        made = Account(generate(size, seed), switches=found)
        made.start()
        running.append(made)
        return made

    yield start
    for each in running:
        each.stop()


class Process:
    """A piece of work in a process of its own: a copy of this one, which saves its start."""

    def __init__(self, work: Callable[[], Any], environment: dict[str, str]) -> None:
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid:
            return
        code = 70
        try:
            os.setsid()
            os.environ.update(environment)
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            work()
            code = 0
        except UserError as error:
            code = error.exit_code
        finally:
            os._exit(code)

    def poll(self) -> int | None:
        """Returns the exit code, None while it runs; minus the signal that ended it."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def wait(self) -> int:
        """Waits for its end."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def kill(self) -> None:
        """Kills it the hard way."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait()


@dataclass
class Loader:
    """Runs the extract into one database."""

    database: settings.DatabaseSettings
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def values(self, account: Account, **extra: str) -> dict[str, str]:
        """Returns the settings that point at an account, unpaced."""
        return {
            "DATABASE_URL": self.database.url(),
            "RIDERRA_LOCAL_DIR": str(self.folder),
            "PLANFIX_BASE_URL": account.base_url,
            "PLANFIX_TOKEN": account.token,
            "PLANFIX_REQUESTS_PER_SECOND": "0",
            **self.environment,
            **extra,
        }

    def run(
        self,
        account: Account,
        *,
        since: str | None = None,
        full: bool = False,
        max_requests: int | None = None,
        accept_drop: bool = False,
        **extra: str,
    ) -> pipelines.Summary:
        """Runs `dlt pipeline planfix run` in this process, without the function results."""
        options = argparse.Namespace(
            since=since, full=full, max_requests=max_requests, accept_drop=accept_drop
        )
        with self._environment(account, extra):
            return PIPELINE.run(options)

    def preflight(self, account: Account, **extra: str) -> None:
        """Runs `dlt pipeline planfix preflight` in this process."""
        with self._environment(account, extra):
            PIPELINE.preflight(argparse.Namespace())

    @contextmanager
    def _environment(self, account: Account, extra: dict[str, str]) -> Iterator[None]:
        values = self.values(account, **extra)
        before = {name: os.environ.get(name) for name in values}
        os.environ.update(values)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def start(self, account: Account, *arguments: str, **extra: str) -> Process:
        """Starts it as a process of its own, to be killed."""
        parser = argparse.ArgumentParser()
        PIPELINE.add_arguments(parser)
        options = parser.parse_args(arguments)
        return Process(lambda: PIPELINE.run(options), self.values(account, **extra))

    def snapshot(self) -> dict[str, list[tuple[Any, ...]]]:
        """Returns what the raw tables hold about the account, without names of runs and times."""
        found = {}
        with psycopg.connect(self.database.url()) as link:
            tables = link.execute(
                "select table_name from information_schema.tables where table_schema = %s "
                "and table_name not like '\\_dlt%%' order by 1",
                [SCHEMA],
            ).fetchall()
            for (table,) in tables:
                if table in BOOKS:
                    continue
                columns = [
                    row[0]
                    for row in link.execute(
                        "select column_name from information_schema.columns "
                        "where table_schema = %s and table_name = %s order by 1",
                        [SCHEMA, table],
                    )
                    if row[0] not in VOLATILE and not row[0].startswith("_dlt")
                ]
                query = sql.SQL("select {} from {}.{}").format(
                    sql.SQL(", ").join(
                        sql.SQL("{}::text").format(sql.Identifier(name)) for name in columns
                    ),
                    sql.Identifier(SCHEMA),
                    sql.Identifier(table),
                )
                found[table] = sorted(link.execute(query).fetchall(), key=str)
        return found

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Runs a query."""
        with psycopg.connect(self.database.url()) as link:
            return link.execute(query).fetchall()

    def verdicts(self) -> dict[str, str]:
        """Returns the audit of the newest run."""
        return dict(
            self.rows(
                f"select object, verdict from {SCHEMA}.extract_audit where run_id = "
                f"(select max(run_id) from {SCHEMA}.extract_runs)"
            )
        )


@pytest.fixture
def loader(
    postgres_server: settings.DatabaseSettings, tmp_path: Path
) -> Iterator[Callable[[], Loader]]:
    """Makes loaders that start with nothing; a new one takes the database of the last one."""
    database = create_database(postgres_server)
    made: list[Loader] = []

    def make() -> Loader:
        with psycopg.connect(database.url(), autocommit=True) as link:
            for schema in (SCHEMA, f"{SCHEMA}_staging"):
                link.execute(
                    sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema))
                )
        found = Loader(database, tmp_path / f"loader{len(made)}")
        made.append(found)
        return found

    yield make
    drop_database(database)


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults pass at once; waits that matter are tested by themselves."""
    monkeypatch.setattr(client, "FAULT_WAITS", (0.01,) * len(client.FAULT_WAITS))


def wait_until(condition: Callable[[], bool], seconds: float = 180) -> None:
    """Waits for something to come true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
