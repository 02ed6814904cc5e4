"""Publishing on its own: upstream tables are made by hand, so that a test takes seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from loaders import settings
from tests.pytest import session
from tests.pytest.conftest import Commands, create_database, drop_database
from tests.pytest.publish.upstream import UPSTREAM
from tests.pytest.warm import WarmCommands

PEOPLE = 40
COMPARED = ("publish_removed_customers", "publish_kept_primaries", "publish_comparison")
TABLES = (
    "customers",
    "customer_contacts",
    "customer_tags",
    "customer_notes",
    "customer_consents",
    "customer_external_links",
)
# columns that say when and by whom a row was written, different in every run
STAMPS = {
    "created_at",
    "updated_at",
    "first_migrated_at",
    "migrated_at",
    "migrated_by",
    "run_id",
}


@dataclass
class Published:
    """A database with upstream tables, live tables and the commands that work on them.

    Attributes:
        commands: runs dbt on it.
        link: autocommit connection of the test, the CRM's user so to say.
    """

    commands: Commands
    link: psycopg.Connection

    def publish(self, *arguments: str, **options: Any) -> Any:
        """Plans and publishes; upstream models are taken as they are."""
        return self.commands.dbt("run", "--select", "models/publish", *arguments, **options)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Returns the rows of a query."""
        return self.link.execute(query, values).fetchall()  # type: ignore[arg-type]

    def value(self, query: str, *values: Any) -> Any:
        """Returns the first value of a query."""
        return self.rows(query, *values)[0][0]

    def execute(self, statement: str, *values: Any) -> None:
        """Changes something, upstream or as the CRM does."""
        self.link.execute(statement, values or None)  # type: ignore[arg-type]

    def live(self, schema: str = "riderra") -> dict[str, list[tuple[Any, ...]]]:
        """Returns the content of the six live tables without the audit columns."""
        return {table: self.content(schema, table, STAMPS) for table in TABLES}

    def content(
        self, schema: str, table: str, without: set[str] | frozenset[str] = frozenset()
    ) -> list[tuple[Any, ...]]:
        """Returns all rows of a table in a fixed order."""
        columns = [
            row[0]
            for row in self.rows(
                "select column_name from information_schema.columns"
                " where table_schema = %s and table_name = %s order by ordinal_position",
                schema,
                table,
            )
            if row[0] not in without
        ]
        query = sql.SQL("select {} from {} order by 1, 2, 3").format(
            sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(schema, table)
        )
        return self.link.execute(query).fetchall()

    def content_text(self, schema: str, table: str) -> list[tuple[Any, ...]]:
        """Returns all rows of a table as PostgreSQL writes them."""
        query = sql.SQL("select t::text from {} as t").format(sql.Identifier(schema, table))
        return self.link.execute(query).fetchall()

    def versions(self, *schemas: str) -> dict[str, list[tuple[Any, ...]]]:
        """Returns place and writer of every row: equal when no row was rewritten.

        Without unlogged tables, which are no state but what builds remember of each other.
        """
        found = {}
        for schema, table in self.rows(
            "select nspname, relname from pg_class"
            " join pg_namespace on pg_namespace.oid = relnamespace"
            " where relkind = 'r' and relpersistence = 'p' and nspname = any(%s) order by 1, 2",
            list(schemas),
        ):
            query = sql.SQL("select ctid::text, xmin::text, t::text from {} as t order by 1")
            name = sql.Identifier(schema, table)
            found[f"{schema}.{table}"] = self.link.execute(query.format(name)).fetchall()
        return found

    def actions(self) -> dict[tuple[str, str], int]:
        """Returns how many plan rows there are per table and action, without no_change."""
        return {
            (table, action): count
            for table, action, count in self.rows(
                "select table_name, action, count(*) from publish.publish_plan"
                " where action <> 'no_change' group by 1, 2"
            )
        }

    def plan(self, table: str, columns: str = "action, reason, column_group") -> Any:
        """Returns the plan rows of a table but for those without a change."""
        return self.rows(
            f"select {columns} from publish.publish_plan"
            " where table_name = %s and action <> 'no_change' order by 1, 2, 3",
            table,
        )


@pytest.fixture(scope="session")
def templates(
    postgres_server: settings.DatabaseSettings, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Databases to copy: `planned` has upstream rows only, `published` was published once."""

    def make() -> dict[str, str]:
        work = create_database(postgres_server)
        session.keep_database(work.dbname)
        commands = publishing_commands(work, tmp_path_factory.mktemp("publishing"))
        with psycopg.connect(work.url(), autocommit=True) as link:
            link.execute(UPSTREAM.replace(":people", str(PEOPLE)))
        commands.dbt("run", "--select", *COMPARED, check=True)
        planned = create_database(postgres_server, template=work.dbname)
        session.keep_database(planned.dbname)
        commands.dbt("run", "--select", "models/publish", check=True)
        return {"planned": planned.dbname, "published": work.dbname}

    made: dict[str, str] = session.once("publishing", make)
    return made


def wait_for(condition: Callable[[], object], seconds: float = 180) -> None:
    """Waits until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it did not happen in time")
        time.sleep(0.05)


def publishing_commands(found: settings.DatabaseSettings, folder: Path) -> Commands:
    """The project's commands with the settings of these tests."""
    return WarmCommands(
        found,
        folder,
        {
            "RIDERRA_CREATE_LIVE_TABLES": "true",
            "RIDERRA_OPERATOR": "tester",
            "RIDERRA_PUBLISH_BATCH_SIZE": "5",
            "RIDERRA_MANAGE_ROLES": "false",
        },
    )


def _work_on(server: settings.DatabaseSettings, template: str, folder: Path) -> Iterator[Published]:
    work = create_database(server, template=template)
    with psycopg.connect(work.url(), autocommit=True) as link:
        yield Published(publishing_commands(work, folder), link)
    drop_database(work)


@pytest.fixture
def planned(
    postgres_server: settings.DatabaseSettings, templates: dict[str, str], tmp_path: Path
) -> Iterator[Published]:
    """Upstream rows are there, nothing is published."""
    yield from _work_on(postgres_server, templates["planned"], tmp_path)


@pytest.fixture
def published(
    postgres_server: settings.DatabaseSettings, templates: dict[str, str], tmp_path: Path
) -> Iterator[Published]:
    """Everything was published once."""
    yield from _work_on(postgres_server, templates["published"], tmp_path)


@pytest.fixture(scope="module")
def published_for_module(
    postgres_server: settings.DatabaseSettings,
    templates: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Published]:
    """Everything was published once; all tests of a module share what follows."""
    folder = tmp_path_factory.mktemp("published")
    yield from _work_on(postgres_server, templates["published"], folder)
