"""The dlt source over the spool: one resource per raw table, keyed and merged.

Pages are opened one at a time and handed to dlt as Arrow tables, so memory stays flat and dlt's
normaliser has nothing to infer. The whole object goes into `payload`; custom fields become an
object keyed by field id, because two fields may share a label. Text is left as it came, but for
what `jsonb` cannot hold (NUL, lone surrogates).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import dlt
import orjson
import pyarrow as pa
from dlt.extract import DltResource

from loaders.pipelines import SCHEMA_CONTRACT
from loaders.planfix import api
from loaders.planfix.client import parse_json
from loaders.planfix.paging import rows_of
from loaders.planfix.spool import Spool, StoredPage

Row = dict[str, Any]
Values = dict[str, Any]
BATCH_ROWS = 2_000
REPLACEMENT = "\ufffd"
_TIMESTAMP = pa.timestamp("us", tz="UTC")
_ARROW = {
    "bigint": pa.int64(),
    "text": pa.string(),
    "bool": pa.bool_(),
    "json": pa.string(),
    "timestamp": _TIMESTAMP,
}


@dataclass(frozen=True)
class Table:
    """A raw table.

    Attributes:
        name: table name.
        keys: merge key.
        columns: dlt data type per column, in order.
        stage: stage of the spool it is read from.
        answer: payload keys of the stage's pages.
        row_id: the row's id in the spool's index.
        values: the columns besides payload, custom fields, run and time; None to leave the row out.
        has_payload: whether the whole object is kept.
    """

    name: str
    keys: tuple[str, ...]
    columns: dict[str, str]
    stage: str = ""
    answer: tuple[str, ...] = ()
    row_id: Callable[[Row, str], Any] = field(default=lambda row, unit: api.reference_id(row))
    values: Callable[[Row, str], Values | None] = field(default=lambda row, unit: {})
    has_payload: bool = True


def dumps(value: Any) -> str:
    """Writes JSON that PostgreSQL's jsonb accepts."""
    try:
        text = orjson.dumps(value)
        if b"\\u0000" not in text:
            return text.decode()
    except (TypeError, orjson.JSONEncodeError):
        pass
    return json.dumps(_clean(value), ensure_ascii=False, separators=(",", ":"))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", REPLACEMENT).encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_clean(key): _clean(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_clean(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def custom_fields_by_id(row: Row) -> Row:
    """Turns `customFieldData` into an object keyed by field id."""
    found: Row = {}
    entries = row.get("customFieldData")
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict):
            continue
        about = entry.get("field")
        number = api.reference_id(about)
        if number is None or not isinstance(about, dict):
            continue
        value = {"name": about.get("name"), "type": about.get("type")}
        for name in ("value", "stringValue"):
            if name in entry:
                value[name] = entry[name]
        found[str(number)] = value
    return found


def contact_id_of_comment(row: Row, unit: str) -> int | None:
    """Returns the contact whose card a comment stands on; None for a task's comment."""
    if api.reference_id(row.get("task")) is not None:
        return None
    number = api.reference_id(row.get("contact"))
    if number is None and unit.startswith("contact:"):
        number = api.reference_id(unit)
    return number


def task_id_of_comment(row: Row, unit: str) -> int | None:
    """Returns the task a comment belongs to."""
    number = api.reference_id(row.get("task"))
    if number is None and unit.startswith("task:"):
        number = api.reference_id(unit)
    return number


def _with_id(row: Row, _unit: str) -> Values | None:
    number = api.reference_id(row)
    return None if number is None else {"id": number}


def is_company(row: Row, unit: str) -> bool:
    """Tells a company by its own word, else by the pass that listed it."""
    said = row.get("isCompany")
    return said if isinstance(said, bool) else unit.startswith("compan")


def _contact(row: Row, unit: str) -> Values | None:
    found = _with_id(row, unit)
    return None if found is None else {**found, "is_company": is_company(row, unit)}


def _custom_field(row: Row, unit: str) -> Values | None:
    found = _with_id(row, unit)
    if found is None:
        return None
    kind = row.get("objectType")
    default = api.OBJECT_TASK if unit == "task" else api.OBJECT_CONTACT
    return {**found, "object_type": kind if isinstance(kind, int) else default}


def _keyed(**named: Callable[[Row, str], int | None]) -> Callable[[Row, str], Values | None]:
    """Returns a builder whose first value must be there."""

    def build(row: Row, unit: str) -> Values | None:
        found = {name: read(row, unit) for name, read in named.items()}
        return None if next(iter(found.values())) is None else found

    return build


def _owner_of(name: str) -> Callable[[Row, str], int | None]:
    def read(row: Row, unit: str) -> int | None:
        number = api.reference_id(row.get(name))
        return number if number is not None else api.reference_id(unit)

    return read


def counterparty_contact(row: Row) -> int | None:
    """Returns the contact that is a task's counterparty."""
    about = row.get("counterparty")
    return None if api.reference_kind(about) in {"user", "group"} else api.reference_id(about)


def entry_key(owner: str) -> Callable[[Row, str], Any]:
    """Returns the index key of an entry: its owner's id and its own key."""

    def read(row: Row, unit: str) -> str | None:
        key = api.reference_id(row.get("key"))
        return None if key is None else f"{_owner_of(owner)(row, unit)}:{key}"

    return read


def _custom_field_key(row: Row, unit: str) -> str | None:
    found = _custom_field(row, unit)
    return f"{found['object_type']}:{found['id']}" if found else None


_RUN = {"run_id": "text", "fetched_at": "timestamp"}
_OBJECT = {**_RUN, "payload": "json"}
_ID = {"id": "bigint"}

TABLES = {
    table.name: table
    for table in (
        Table(
            "contacts",
            ("id",),
            {**_ID, "is_company": "bool", "custom_fields": "json", **_OBJECT},
            "contacts",
            ("contacts",),
            values=_contact,
        ),
        Table(
            "contact_details",
            ("id",),
            {**_ID, **_OBJECT},
            "contact_details",
            ("contact",),
            values=_with_id,
        ),
        Table(
            "contact_comments",
            ("id",),
            {**_ID, "contact_id": "bigint", **_OBJECT},
            "comments",
            ("comments",),
            values=_keyed(contact_id=contact_id_of_comment, id=lambda r, u: api.reference_id(r)),
        ),
        Table(
            "task_comments",
            ("id",),
            {**_ID, "task_id": "bigint", **_OBJECT},
            "comments",
            ("comments",),
            values=_keyed(task_id=task_id_of_comment, id=lambda r, u: api.reference_id(r)),
        ),
        Table("users", ("id",), {**_ID, **_OBJECT}, "users", ("users",), values=_with_id),
        Table(
            "contact_groups",
            ("id",),
            {**_ID, **_OBJECT},
            "contact_groups",
            ("groups",),
            values=_with_id,
        ),
        Table(
            "contact_templates",
            ("id",),
            {**_ID, "is_company": "bool", **_OBJECT},
            "contact_templates",
            ("templates",),
            values=_contact,
        ),
        Table(
            "custom_fields",
            ("object_type", "id"),
            {**_ID, "object_type": "bigint", **_OBJECT},
            "custom_fields",
            ("customfields",),
            row_id=_custom_field_key,
            values=_custom_field,
        ),
        Table(
            "data_tags", ("id",), {**_ID, **_OBJECT}, "data_tags", ("dataTags",), values=_with_id
        ),
        Table(
            "data_tag_entries",
            ("data_tag_id", "key"),
            {
                "data_tag_id": "bigint",
                "key": "bigint",
                "contact_id": "bigint",
                "task_id": "bigint",
                "custom_fields": "json",
                **_OBJECT,
            },
            "data_tag_entries",
            ("dataTagEntries",),
            row_id=entry_key("dataTag"),
            values=_keyed(
                key=lambda row, unit: api.reference_id(row.get("key")),
                data_tag_id=_owner_of("dataTag"),
                contact_id=lambda row, unit: api.reference_id(row.get("contact")),
                task_id=lambda row, unit: api.reference_id(row.get("task")),
            ),
        ),
        Table(
            "tasks",
            ("id",),
            {**_ID, "counterparty_id": "bigint", "custom_fields": "json", **_OBJECT},
            "tasks",
            ("tasks",),
            values=_keyed(
                id=lambda row, unit: api.reference_id(row),
                counterparty_id=lambda row, unit: counterparty_contact(row),
            ),
        ),
        Table(
            "directories",
            ("id",),
            {**_ID, **_OBJECT},
            "directories",
            ("directories", "directory"),
            values=_with_id,
        ),
        Table(
            "directory_entries",
            ("directory_id", "key"),
            {"directory_id": "bigint", "key": "bigint", **_OBJECT},
            "directory_entries",
            ("directoryEntries",),
            row_id=entry_key("directory"),
            values=_keyed(
                key=lambda row, unit: api.reference_id(row.get("key")),
                directory_id=_owner_of("directory"),
            ),
        ),
    )
}

_TIMES = {"started_at": "timestamp", "finished_at": "timestamp"}
LOGS = {
    table.name: table
    for table in (
        Table(
            "id_sweep_runs",
            ("sweep_id",),
            {"sweep_id": "text", **_TIMES, "is_complete": "bool", "ids_seen": "bigint"},
            has_payload=False,
        ),
        Table(
            "extract_runs",
            ("run_id",),
            {
                "run_id": "text",
                "mode": "text",
                **_TIMES,
                "window_from": "timestamp",
                "window_to": "timestamp",
                "status": "text",
                "requests_used": "bigint",
                "requests_floor": "bigint",
                "operator": "text",
                "account": "text",
            },
            has_payload=False,
        ),
        Table(
            "extract_audit",
            ("run_id", "object"),
            {
                "run_id": "text",
                "object": "text",
                "expected": "bigint",
                "loaded": "bigint",
                "difference": "bigint",
                "verdict": "text",
                "detail": "text",
                "checked_at": "timestamp",
            },
            has_payload=False,
        ),
        Table(
            "schema_changes",
            ("run_id", "object_type", "field_id", "change"),
            {
                "run_id": "text",
                "field_id": "bigint",
                "object_type": "bigint",
                "change": "text",
                "before": "text",
                "after": "text",
                "noticed_at": "timestamp",
            },
            has_payload=False,
        ),
        Table(
            "capability_profile",
            ("account",),
            {"account": "text", "checked_at": "timestamp", "profile": "json"},
            has_payload=False,
        ),
        Table(
            "extract_state",
            ("account", "name"),
            {"account": "text", "name": "text", "payload": "json", "noted_at": "timestamp"},
            has_payload=False,
        ),
        Table(
            "contact_comment_checks",
            ("contact_id",),
            {"contact_id": "bigint", "checked_at": "timestamp", "run_id": "text"},
            has_payload=False,
        ),
    )
}
SWEEP = Table(
    "id_sweep",
    ("sweep_id", "id"),
    {"sweep_id": "text", "id": "bigint", "is_company": "bool", "updated_at": "timestamp"},
    has_payload=False,
)


def _arrow(table: Table, rows: list[Values]) -> pa.Table:
    return pa.table(
        {
            name: pa.array([row.get(name) for row in rows], type=_ARROW[kind])
            for name, kind in table.columns.items()
        }
    )


def _batches(table: Table, rows: Iterable[Values]) -> Iterator[pa.Table]:
    # an empty table makes dlt create it in the database
    yield _arrow(table, [])
    waiting: list[Values] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) >= BATCH_ROWS:
            yield _arrow(table, waiting)
            waiting = []
    if waiting:
        yield _arrow(table, waiting)


def page_rows(table: Table, spool: Spool, page: StoredPage, run_id: str) -> Iterator[Values]:
    """Turns a stored page into rows, leaving out those that a newer page holds."""
    body = parse_json(page.body)
    if isinstance(body, dict) and isinstance(body.get(table.answer[0]), dict):
        rows = [body[table.answer[0]]]
    else:
        rows = rows_of(body, table.answer)
    current = spool.current_ids(table.stage, page.seq)
    latest = {table.row_id(row, page.unit): row for row in rows}
    has_custom = "custom_fields" in table.columns
    for row_id, row in latest.items():
        if row_id not in current:
            continue
        found = table.values(row, page.unit)
        if found is None:
            continue
        found["run_id"] = run_id
        found["fetched_at"] = page.fetched_at
        if has_custom:
            found["custom_fields"] = dumps(custom_fields_by_id(row))
            row.pop("customFieldData", None)
        found["payload"] = dumps(row)
        yield found


def _object_rows(table: Table, spool: Spool, run_id: str) -> Iterator[Values]:
    for page in spool.pages(table.stage):
        yield from page_rows(table, spool, page, run_id)


def _sweep_rows(spool: Spool, stage: str, sweep_id: str, left_out: set[int]) -> Iterator[Values]:
    for item in spool.items(stage):
        if item.id not in left_out:
            yield {
                "sweep_id": sweep_id,
                "id": item.id,
                "is_company": item.kind == "company",
                "updated_at": (datetime.fromtimestamp(item.updated, UTC) if item.updated else None),
            }


def _disposition(kind: str) -> Any:
    if kind == "merge":
        # the spool has one newest page per row already
        return {"disposition": "merge", "strategy": "delete-insert", "deduplicated": True}
    return kind


def _resource(
    table: Table, rows: Callable[[], Iterable[Values]], disposition: str = "merge"
) -> DltResource:
    columns: dict[str, Any] = {}
    for name, kind in table.columns.items():
        columns[name] = {
            "data_type": kind,
            "nullable": name not in {*table.keys, "payload"},
        }
    return dlt.resource(
        lambda: _batches(table, rows()),
        name=table.name,
        primary_key=table.keys,
        write_disposition=_disposition(disposition),
        columns=columns,
        schema_contract=SCHEMA_CONTRACT,
    )


@dataclass
class Sweep:
    """A complete sweep to be loaded: where its ids are and how it is called."""

    sweep_id: str
    stage: str
    left_out: set[int]


@dlt.source(name="planfix", max_table_nesting=0, schema_contract=SCHEMA_CONTRACT)
def planfix(
    spool: Spool,
    run_id: str,
    tables: Iterable[str],
    logs: dict[str, list[Values]],
    sweep: Sweep | None = None,
    empty: Collection[str] = (),
) -> Iterator[DltResource]:
    """Planfix objects out of the spool, and the extract's own books.

    Args:
        spool: pages of this run.
        run_id: name of the run.
        tables: object tables to load.
        logs: rows of the books (`extract_runs`, `extract_audit`, …) by table.
        sweep: the ids of a complete sweep; it replaces the one before.
        empty: tables without rows: theirs are appended, all others merged.

    Yields:
        One resource per table.
    """
    for name in tables:
        read = partial(_object_rows, TABLES[name], spool, run_id)
        yield _resource(TABLES[name], read, "append" if name in empty else "merge")
    for name, rows in logs.items():
        yield _resource(LOGS[name], partial(list, rows))
    if sweep:
        found = sweep
        yield _resource(
            SWEEP,
            lambda: _sweep_rows(spool, found.stage, found.sweep_id, found.left_out),
            "replace",
        )
