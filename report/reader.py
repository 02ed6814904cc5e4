"""Read-only queries that cope with a database in which a part is not built yet."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import errors
from psycopg.rows import dict_row

Row = dict[str, Any]

# a relation, column or schema that is not there, or not open to this user
_ABSENT = (
    errors.UndefinedTable,
    errors.UndefinedColumn,
    errors.InvalidSchemaName,
    errors.InsufficientPrivilege,
)


@dataclass
class Reader:
    """One snapshot of the database, and a list of what could not be read from it.

    Attributes:
        link: a connection inside a read-only transaction.
        prefix: put before the names of layers; `dry_run_` shows the dry run.
        live_schema: schema of the live CRM tables.
        missing: parts that could not be read, each with the relation that is not there.
    """

    link: psycopg.Connection[Any]
    prefix: str = ""
    live_schema: str = "riderra"
    missing: dict[str, str] = field(default_factory=dict)

    def rows(self, part: str, statement: str, *values: object) -> list[Row]:
        """Runs a query for a part of the report.

        `{layer}` stands before the name of a layer's schema, `{live}` for the live schema.

        Args:
            part: name of the part, noted as missing when a relation is not there.
            statement: the query.
            values: its parameters.

        Returns:
            The rows, none when the relation is missing.
        """
        text = statement.replace("{layer}", self.prefix).replace("{live}", self._live())
        try:
            with self.link.transaction(), self.link.cursor(row_factory=dict_row) as cursor:
                return cursor.execute(text.encode(), values or None).fetchall()
        except _ABSENT as error:
            # names of relations and columns only, no row can be in this message
            self.missing.setdefault(part, (error.diag.message_primary or "").strip())
            return []

    def row(self, part: str, statement: str, *values: object) -> Row | None:
        """Runs a query that gives one row at most."""
        found = self.rows(part, statement, *values)
        return found[0] if found else None

    def _live(self) -> str:
        return '"' + (self.prefix + self.live_schema).replace('"', '""') + '"'


@contextlib.contextmanager
def snapshot(link: psycopg.Connection[Any], live_schema: str, prefix: str) -> Iterator[Reader]:
    """Opens one repeatable, read-only view of the whole database."""
    link.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    link.read_only = True
    with link.transaction():
        yield Reader(link, prefix, live_schema)
