"""Personal data and dbt: no row values in what it prints and logs, none left on disk by a purge.

PostgreSQL quotes the row in its error ("Failing row contains (…)", "Key (value)=(…)", `invalid
input syntax for type date: "…"`), and dbt-postgres passes that on to the screen, to dbt.log and to
run_results.json. dbt imports every top-level module named `dbt_…` as a plugin when it starts; this
one puts an error of our own wording in the place of PostgreSQL's: its SQLSTATE, the names of the
table, column and constraint, and the message where that cannot hold a value. And it gives macros
`adapter.remove_extract_files()`, since no macro of dbt's own can remove a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from dbt.adapters.events.logging import AdapterLogger
from dbt.adapters.postgres.connections import PostgresConnectionManager
from dbt.adapters.postgres.impl import PostgresAdapter
from dbt.plugins.manager import dbtPlugin
from dbt_common.exceptions import DbtDatabaseError, DbtRuntimeError

from loaders import extract_files
from loaders.errors import UserError

# Classes of SQLSTATE whose message may quote a value: casts and lengths, Python and SQL routines
# (the functions of this project raise with a wording of their own, class P0), the server's
# surprises. The messages of all others name objects, limits and the statement.
QUOTING_CLASSES = {"22", "2F", "38", "39", "F0", "HV", "XX"}
# In these the server tells where it was in the statement or which sessions were involved.
TELLING_CLASSES = {"40", "42", "3D", "3F"}

logger = AdapterLogger("Postgres")


def without_values(error: psycopg2.Error) -> str:
    """Returns what may be said about an error of PostgreSQL."""
    state = error.pgcode or ""
    found = error.diag
    message = found.message_primary or ""
    if not state:
        # the connection broke or was never there; libpq's own words name host and port
        return str(error).strip()
    if state[:2] in TELLING_CLASSES:
        return str(error).strip()
    if state[:2] in QUOTING_CLASSES:
        message = re.sub(r'".*"|\'.*\'|:.*', "(value not shown)", message, flags=re.DOTALL)
    places = [
        f"{kind} {name}"
        for kind, name in (
            ("table", found.table_name),
            ("column", found.column_name),
            ("constraint", found.constraint_name),
        )
        if name and name not in message
    ]
    hint = f"\nHINT: {found.message_hint}" if found.message_hint and state[:2] == "P0" else ""
    if state != "P0001":
        # the project's own exceptions say what there is to say
        places.append(f"SQLSTATE {state}")
    return message + (f" ({', '.join(places)})" if places else "") + hint


@contextmanager
def _exception_handler(self: PostgresConnectionManager, sql: str) -> Iterator[None]:
    with _original_handler(self, sql):
        try:
            yield
        except psycopg2.DatabaseError as error:
            told = without_values(error)
            logger.debug(f"Postgres error: {told}")
            try:
                self.rollback_if_open()
            except psycopg2.Error:
                logger.debug("Failed to release connection!")
            # `from None`: the original would be printed with its values at debug level
            raise DbtDatabaseError(told) from None


_original_handler = PostgresConnectionManager.exception_handler


def _remove_extract_files(_adapter: PostgresAdapter) -> int:
    try:
        return extract_files.remove_extract_files()
    except UserError as error:
        raise DbtRuntimeError(str(error)) from None


class PersonalData(dbtPlugin):  # type: ignore[misc]
    """The plugin as dbt finds it."""

    def initialize(self) -> None:
        """Takes the place of the adapter's error handler, and adds to what macros may call."""
        PostgresConnectionManager.exception_handler = _exception_handler
        PostgresAdapter.remove_extract_files = _remove_extract_files
        PostgresAdapter._available_ |= {"remove_extract_files"}


plugins = [PersonalData]
