"""What runs left in the database: watermark, profile, known contacts, known fields, row counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from loaders import database
from loaders.errors import DatabaseError
from loaders.planfix.profile import CapabilityProfile
from loaders.planfix.zones import parse_instant

SCHEMA = "planfix_raw"
FINISHED = (
    "exists (select from {0}._dlt_loads as l where l.load_id = t._dlt_load_id and l.status = 0)"
)


class RawState:
    """Reads schema `planfix_raw`; the only thing it writes are the final numbers of the audit."""

    def __init__(self, account: str, schema: str = SCHEMA) -> None:
        """Notes where to look; connects for each question."""
        self.account = account
        self.schema = schema
        self._shared: psycopg.Connection | None = None

    @contextmanager
    def many_questions(self) -> Iterator[None]:
        """Asks everything inside it over one connection."""
        with database.connect() as link:
            self._shared = link
            try:
                yield
            finally:
                self._shared = None

    @contextmanager
    def _link(self) -> Iterator[psycopg.Connection]:
        shared = self._shared
        link = shared or database.connect()
        try:
            yield link
        except psycopg.errors.InsufficientPrivilege:
            raise DatabaseError(
                f"the database role may not read schema {self.schema}: grant it usage and select."
            ) from None
        finally:
            if link is not shared:
                link.close()

    def _has(self, link: psycopg.Connection, table: str) -> bool:
        row = link.execute(
            "select to_regclass(format('%%I.%%I', %s::text, %s::text)) is not null "
            "and to_regclass(format('%%I._dlt_loads', %s::text)) is not null",
            [self.schema, table, self.schema],
        ).fetchone()
        return bool(row and row[0])

    def _rows(
        self, table: str, columns: str, condition: str = "true", *values: Any, order: str = "1"
    ) -> list[Any]:
        with self._link() as link:
            if not self._has(link, table):
                return []
            schema = sql.Identifier(self.schema)
            query = sql.SQL("select {} from {}.{} as t where {} and ({}) order by {}").format(
                sql.SQL(columns),
                schema,
                sql.Identifier(table),
                sql.SQL(FINISHED).format(schema),
                sql.SQL(condition),
                sql.SQL(order),
            )
            return link.execute(query, list(values)).fetchall()

    def is_embedded(self) -> bool:
        """Tells whether the database is the project's own."""
        with self._link() as link:
            return database.is_embedded(link)

    def profile(self) -> CapabilityProfile:
        """Returns the stored profile, or an empty one."""
        rows = self._rows("capability_profile", "profile", "t.account = %s", self.account)
        found = CapabilityProfile.from_json(rows[0][0]) if rows else CapabilityProfile()
        found.account = self.account
        return found

    def watermark(self) -> datetime | None:
        """Returns up to when everything is loaded, None before the first finished run."""
        rows = self._rows(
            "extract_runs",
            "max(t.window_to)",
            "t.status = 'completed' and t.account = %s",
            self.account,
        )
        return rows[0][0] if rows else None

    def states(self) -> dict[str, Any]:
        """Returns the noted states of earlier runs by name."""
        return dict(self._rows("extract_state", "name, payload", "t.account = %s", self.account))

    def custom_fields(self) -> dict[tuple[int, int], tuple[str, int | None]]:
        """Returns name and type of the known custom fields by object type and id."""
        rows = self._rows(
            "custom_fields",
            "t.object_type, t.id, t.payload ->> 'name', t.payload ->> 'type'",
        )
        return {
            (int(kind), int(number)): (name or "", int(kind_of) if kind_of else None)
            for kind, number, name, kind_of in rows
        }

    def removed_fields(self) -> set[tuple[int, int]]:
        """Returns the fields whose last noted change is their removal."""
        rows = self._rows(
            "schema_changes",
            "distinct on (t.object_type, t.field_id) t.object_type, t.field_id, t.change",
            order="t.object_type, t.field_id, t.noticed_at desc",
        )
        return {(int(kind), int(number)) for kind, number, change in rows if change == "removed"}

    def known_contacts(self) -> Iterator[tuple[int, str, int | None]]:
        """Goes through id, kind and last change (epoch seconds) of the loaded contacts."""
        with self._link() as link:
            if not self._has(link, "contacts"):
                return
            with link.cursor(name="known_contacts") as cursor:
                cursor.itersize = 5000
                cursor.execute(
                    sql.SQL(
                        "select t.id, t.is_company, t.payload -> 'dateOfLastUpdate' "
                        "from {}.contacts as t"
                    ).format(sql.Identifier(self.schema))
                )
                for number, is_company, updated in cursor:
                    instant = parse_instant(updated)
                    yield (
                        int(number),
                        "company" if is_company else "person",
                        int(instant.timestamp()) if instant else None,
                    )

    def gone_contacts(self) -> set[int]:
        """Returns the contacts that say so themselves or that the last complete sweep missed."""
        with self._link() as link:
            if not (
                self._has(link, "contacts")
                and self._has(link, "id_sweep")
                and self._has(link, "id_sweep_runs")
            ):
                return set()
            rows = link.execute(
                sql.SQL(
                    "select t.id from {0}.contacts as t left join "
                    "(select sweep_id, started_at from {0}.id_sweep_runs where is_complete "
                    "order by started_at desc limit 1) as s on t.fetched_at < s.started_at "
                    "where t.payload @> '{{\"isDeleted\": true}}' or s.sweep_id is not null "
                    "and not exists (select from {0}.id_sweep as i "
                    "where i.sweep_id = s.sweep_id and i.id = t.id)"
                ).format(sql.Identifier(self.schema))
            ).fetchall()
            return {int(row[0]) for row in rows}

    def last_sweep(self) -> datetime | None:
        """Returns when the last complete sweep started."""
        rows = self._rows("id_sweep_runs", "max(t.started_at)", "t.is_complete")
        return rows[0][0] if rows else None

    def note_checks(self) -> dict[int, datetime]:
        """Returns when each contact's card was last read for notes."""
        return {
            int(number): checked
            for number, checked in self._rows(
                "contact_comment_checks", "t.contact_id, t.checked_at"
            )
        }

    def _numbers(self, query: str, needs: Iterable[str], *values: Any) -> list[tuple[Any, ...]]:
        """Runs a query over tables of the schema, named {0}; nothing when one is missing."""
        with self._link() as link:
            if not all(self._has(link, table) for table in needs):
                return []
            return link.execute(
                sql.SQL(query).format(sql.Identifier(self.schema)),
                list(values),
            ).fetchall()

    @staticmethod
    def _by_kind(rows: Iterable[tuple[Any, ...]]) -> dict[str, int]:
        return {"company" if is_company else "person": int(count) for is_company, count in rows}

    def tables(self) -> set[str]:
        """Returns the tables that there are."""
        with self._link() as link:
            rows = link.execute(
                "select table_name from information_schema.tables where table_schema = %s",
                [self.schema],
            ).fetchall()
            return {row[0] for row in rows}

    def empty_tables(self, names: Iterable[str]) -> set[str]:
        """Returns the tables that have no rows or do not exist yet."""
        found = set()
        with self._link() as link:
            for name in names:
                query = sql.SQL("select exists (select from {})").format(
                    sql.Identifier(self.schema, name)
                )
                row = link.execute(query).fetchone() if self._has(link, name) else None
                if not (row and row[0]):
                    found.add(name)
        return found

    def rows_of_run(self, table: str, run_id: str) -> int:
        """Counts the rows that a run brought."""
        rows = self._numbers(
            f"select count(*) from {{0}}.{table} where run_id = %s", [table], run_id
        )
        return int(rows[0][0]) if rows else 0

    def contacts_of_run(self, run_id: str) -> dict[str, int]:
        """Counts the contacts that a run brought, by kind."""
        return self._by_kind(
            self._numbers(
                "select is_company, count(*) from {0}.contacts where run_id = %s group by 1",
                ["contacts"],
                run_id,
            )
        )

    def swept_contacts(self, sweep_id: str) -> dict[str, int]:
        """Counts the contacts of a sweep that stand in the database, by the sweep's kind."""
        return self._by_kind(
            self._numbers(
                "select s.is_company, count(*) from {0}.id_sweep as s where s.sweep_id = %s "
                "and exists (select from {0}.contacts as c where c.id = s.id) group by 1",
                ["contacts", "id_sweep"],
                sweep_id,
            )
        )

    def present_contacts(self) -> dict[str, int]:
        """Counts the contacts in the database that no sweep found gone, by kind."""
        return self._by_kind(
            self._numbers(
                "select is_company, count(*) from {0}.contacts where not id = any(%s) group by 1",
                ["contacts"],
                sorted(self.gone_contacts()),
            )
        )

    def count_other_tasks(self, numbers: list[int]) -> int:
        """Counts the tasks in the database besides these."""
        rows = self._numbers(
            "select count(*) from {0}.tasks as t left join unnest(%s::bigint[]) as n (id) "
            "using (id) where n.id is null",
            ["tasks"],
            numbers,
        )
        return int(rows[0][0]) if rows else 0

    def tasks_of_contacts(self, contacts: Sequence[int] | None = None) -> set[int]:
        """Returns the tasks whose counterparty is a contact, or one of these."""
        query = "select id from {0}.tasks where counterparty_id is not null"
        if contacts is None:
            return {int(row[0]) for row in self._numbers(query, ["tasks"])}
        query += " and counterparty_id = any(%s)"
        return {int(row[0]) for row in self._numbers(query, ["tasks"], list(contacts))}

    def task_samples(self) -> list[tuple[int, dict[str, Any]]]:
        """Returns two tasks that changed last."""
        return [
            (int(number), payload)
            for number, payload in self._numbers(
                "select id, payload from {0}.tasks order by greatest("
                "payload -> 'dateOfLastUpdate' ->> 'datetime', "
                "payload -> 'dateOfLastComment' ->> 'datetime') desc nulls last, id limit 2",
                ["tasks"],
            )
        ]

    def write_audit(self, rows: Iterable[dict[str, Any]]) -> None:
        """Writes the audit's final numbers, which are known only once everything is loaded."""
        types = {
            "expected": "bigint",
            "loaded": "bigint",
            "difference": "bigint",
            "verdict": "text",
            "detail": "text",
            "checked_at": "timestamptz",
        }
        values = {
            name: sql.SQL("%({})s::{}").format(sql.SQL(name), sql.SQL(kind))
            for name, kind in types.items()
        }
        names = {
            "audit": sql.Identifier(self.schema, "extract_audit"),
            "runs": sql.Identifier(self.schema, "extract_runs"),
            "columns": sql.SQL(", ").join(map(sql.Identifier, types)),
            "values": sql.SQL(", ").join(values.values()),
            "changes": sql.SQL(", ").join(
                sql.SQL("{} = {}").format(sql.Identifier(name), value)
                for name, value in values.items()
            ),
        }
        update = sql.SQL(
            "update {audit} set {changes} where run_id = %(run_id)s::text "
            "and object = %(object)s::text"
        ).format(**names)
        insert = sql.SQL(
            "insert into {audit} (run_id, object, {columns}, _dlt_load_id, _dlt_id) "
            "select run_id, %(object)s::text, {values}, _dlt_load_id, "
            "md5(run_id || %(object)s::text) from {runs} where run_id = %(run_id)s::text"
        ).format(**names)
        with self._link() as link, link.transaction():
            for row in rows:
                if not link.execute(update, row).rowcount:
                    link.execute(insert, row)

    def counts(self) -> dict[str, int]:
        """Returns the rows of the main tables, for the cost of a delta."""
        found = {}
        with self._link() as link:
            for table in ("contacts", "tasks", "contact_comments"):
                if self._has(link, table):
                    row = link.execute(
                        sql.SQL("select count(*) from {}.{}").format(
                            sql.Identifier(self.schema), sql.Identifier(table)
                        )
                    ).fetchone()
                    found[table] = int(row[0]) if row else 0
        return found
