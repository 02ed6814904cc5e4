"""One finished migration per server, built once and copied for each test that changes it."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from loaders import settings
from tests.pytest import session
from tests.pytest.conftest import (
    PROJECT,
    Commands,
    create_database,
    drop_database,
    start_simulator,
)
from tests.pytest.e2e.personal import leaks, personal_words
from tests.pytest.warm import WarmCommands

SIZE = 300
SEED = 11
# they passed when the migration was made; dbt reads the variable as --exclude-resource-type
WITHOUT_UNIT_TESTS = {"DBT_EXCLUDE_RESOURCE_TYPES": "unit_test"}
DEBIAN_URL = os.environ.get("RIDERRA_TEST_POSTGRES15_URL")


@dataclass
class Account:
    """A generated account in both of its forms.

    Attributes:
        simulator: settings of the running API.
        exports: folder with the UI's CSV exports.
        truth: the generator's record of what is true, one mapping per Planfix record.
    """

    simulator: dict[str, str]
    exports: Path
    truth: list[dict[str, str]]


@pytest.fixture(scope="session")
def account() -> Account:
    """An account of 300 records: not the bundled sample, so it may go to any server."""
    folder = session.folder() / "account"
    exports = folder / "exports"
    truth = folder / "truth.csv"

    def make() -> dict[str, str]:
        folder.mkdir(exist_ok=True)
        common = ["--size", str(SIZE), "--seed", str(SEED)]
        subprocess.run(
            [sys.executable, "-m", "simulator", "export", *common]
            + ["--dir", str(exports), "--truth", str(truth)],
            cwd=PROJECT,
            check=True,
            capture_output=True,
        )
        handle = start_simulator(size=SIZE, seed=SEED, folder=folder)
        session.keep_process(handle.process.pid)
        return handle.environment()

    environment: dict[str, str] = session.once("account", make)
    with truth.open(encoding="utf-8", newline="") as lines:
        return Account(environment, exports, list(csv.DictReader(lines)))


@dataclass
class Migration:
    """A finished migration.

    Attributes:
        database: where it is.
        commands: the commands that made it.
        output: what `dlt` and `dbt build` printed.
    """

    database: settings.DatabaseSettings
    commands: Commands
    output: str

    def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Runs a query and returns its rows."""
        with psycopg.connect(self.database.url()) as link:
            return link.execute(statement, values).fetchall()

    def execute(self, statement: str, *values: object) -> int:
        """Runs a statement and returns how many rows it touched."""
        with psycopg.connect(self.database.url()) as link:
            return link.execute(statement, values).rowcount

    def value(self, statement: str, *values: object) -> object:
        """Runs a query and returns its one value."""
        return self.rows(statement, *values)[0][0]


def run_migration(
    account: Account,
    database: settings.DatabaseSettings,
    folder: Path,
    kind: type[Commands] = WarmCommands,
    **extra: str,
) -> Migration:
    """Runs `dlt pipeline run` and `dbt build` as a user would by hand."""
    commands = kind(
        database,
        folder,
        {
            **account.simulator,
            "PLANFIX_EXPORT_DIR": str(account.exports),
            "RIDERRA_CREATE_LIVE_TABLES": "true",
            **extra,
        },
    )
    subprocess.run(
        [sys.executable, "-m", "simulator", "crm", "--size", str(SIZE), "--seed", str(SEED)]
        + ["--database-url", database.url()],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        env=commands.environment(),
    )
    loaded = commands.dlt("pipeline", "run", check=True)
    done = commands.dbt("build", check=True)
    return Migration(database, commands, loaded.stdout + loaded.stderr + done.stdout)


@pytest.fixture(scope="session")
def finished(account: Account, postgres_server: settings.DatabaseSettings) -> Migration:
    """The migration on the embedded server (Python functions precomputed). Only read it."""
    folder = session.folder() / "finished"

    def make() -> dict[str, Any]:
        folder.mkdir(exist_ok=True)
        database = create_database(postgres_server)
        session.keep_database(database.dbname)
        # as talkative as it gets: test_personal_data.py looks for names in all of it
        made = run_migration(
            account,
            database,
            folder,
            Commands,
            DBT_DEBUG="true",
            RUNTIME__LOG_LEVEL="DEBUG",
        )
        docs = ("docs", "generate", "--static", "--no-compile")
        made.commands.dbt(*docs, check=True, DBT_DEBUG="false")
        # nobody works in this one, so it can be copied at any time
        template = create_database(postgres_server, template=database.dbname)
        session.keep_database(template.dbname)
        return {
            "database": database.dbname,
            "template": template.dbname,
            "extra": made.commands.extra,
            "output": made.output,
        }

    made = session.once("finished", make)
    database = replace(postgres_server, dbname=made["database"])
    return Finished(
        database,
        Commands(database, folder, made["extra"]),
        made["output"],
        replace(postgres_server, dbname=made["template"]),
    )


@dataclass
class Finished(Migration):
    """The migration that all tests share.

    Attributes:
        template: its database once more, to be copied.
    """

    template: settings.DatabaseSettings

    @contextmanager
    def copied(self, folder: Path, **extra: str) -> Iterator[Migration]:
        """Gives a copy that a test may change, with the extract's own files."""
        # what stands in the folder that is left out is the first migration's
        shutil.copytree(
            self.commands.folder / "local", folder / "local", ignore=shutil.ignore_patterns("logs")
        )
        database = create_database(self.template, template=self.template.dbname)
        commands = WarmCommands(database, folder, {**self.commands.extra, **extra})
        yield Migration(database, commands, self.output)
        drop_database(database)


@pytest.fixture
def migration(finished: Finished, tmp_path: Path) -> Iterator[Migration]:
    """A copy of the finished migration that a test may change; what it wrote names nobody."""
    with finished.copied(tmp_path, **WITHOUT_UNIT_TESTS) as copy:
        yield copy
    assert leaks(personal_words(finished), tmp_path) == {}
