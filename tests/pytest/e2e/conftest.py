"""One finished migration per server, built once and copied for each test that changes it."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from loaders import settings
from tests.pytest.conftest import (
    PROJECT,
    Commands,
    SimulatorHandle,
    create_database,
    drop_database,
    start_simulator,
)

SIZE = 300
SEED = 11
# they passed when the migration was made; dbt reads the variable as --exclude-resource-type
WITHOUT_UNIT_TESTS = {"DBT_EXCLUDE_RESOURCE_TYPES": "unit_test"}
DEBIAN_URL = os.environ.get("RIDERRA_TEST_POSTGRES15_URL")


@dataclass
class Account:
    """A generated account in both of its forms.

    Attributes:
        simulator: the running API.
        exports: folder with the UI's CSV exports.
        truth: the generator's record of what is true, one mapping per Planfix record.
    """

    simulator: SimulatorHandle
    exports: Path
    truth: list[dict[str, str]]


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account of 300 records: not the bundled sample, so it may go to any server."""
    folder = tmp_path_factory.mktemp("account")
    exports = folder / "exports"
    truth = folder / "truth.csv"
    common = ["--size", str(SIZE), "--seed", str(SEED)]
    subprocess.run(
        [sys.executable, "-m", "simulator", "export", *common]
        + ["--dir", str(exports), "--truth", str(truth)],
        cwd=PROJECT,
        check=True,
        capture_output=True,
    )
    handle = start_simulator(size=SIZE, seed=SEED, folder=folder)
    with truth.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    yield Account(handle, exports, rows)
    handle.stop()


@dataclass
class Migration:
    """A finished migration.

    Attributes:
        database: where it is.
        commands: the commands that made it.
        output: what `dbt build` printed.
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
    account: Account, database: settings.DatabaseSettings, folder: Path, **extra: str
) -> Migration:
    """Runs `dlt pipeline run` and `dbt build` as a user would by hand."""
    commands = Commands(
        database,
        folder,
        {
            **account.simulator.environment(),
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
def finished(
    account: Account,
    postgres_server: settings.DatabaseSettings,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Migration]:
    """The migration on the embedded server (Python functions precomputed). Only read it."""
    database = create_database(postgres_server)
    # as talkative as it gets: test_personal_data.py looks for names in all of it
    yield run_migration(
        account,
        database,
        tmp_path_factory.mktemp("finished"),
        DBT_DEBUG="true",
        RUNTIME__LOG_LEVEL="DEBUG",
    )
    drop_database(database)


@pytest.fixture
def migration(finished: Migration, tmp_path: Path) -> Iterator[Migration]:
    """A copy of the finished migration that a test may change."""
    copy = create_database(finished.database, template=finished.database.dbname)
    commands = Commands(
        copy, finished.commands.folder, {**finished.commands.extra, **WITHOUT_UNIT_TESTS}
    )
    yield Migration(copy, commands, finished.output)
    drop_database(copy)
