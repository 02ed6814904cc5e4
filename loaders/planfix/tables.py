"""The raw tables: their columns, and how a row of Planfix becomes a row of each.

The whole object goes into `payload`; custom fields become an object keyed by field id, because
two fields may share a label. Text is left as it came, but for what `jsonb` cannot hold (NUL, lone
surrogates). Rows are written once, when their page arrives, as the lines of CSV that PostgreSQL
will copy; JSON has no line breaks of its own, so a line is a row.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from loaders.planfix import api

Row = dict[str, Any]
Values = dict[str, Any]
REPLACEMENT = "\ufffd"


@dataclass(frozen=True)
class Table:
    """A raw table.

    Attributes:
        name: table name.
        keys: merge key.
        columns: dlt data type per column, in order.
        stage: stage of the spool it is read from.
        row_id: the row's id in the spool's index.
        values: the columns besides payload, custom fields, run and time; None to leave the row out.
    """

    name: str
    keys: tuple[str, ...]
    columns: dict[str, str]
    stage: str = ""
    row_id: Callable[[Row, str], Any] = field(default=lambda row, unit: api.reference_id(row))
    values: Callable[[Row, str], Values | None] = field(default=lambda row, unit: {})


def dumps(value: Any) -> str:
    """Writes JSON that PostgreSQL's jsonb accepts."""
    return _json(value).decode()


def _json(value: Any) -> bytes:
    try:
        text = orjson.dumps(value)
        if b"\\u0000" not in text:
            return text
    except (TypeError, orjson.JSONEncodeError):
        pass
    return json.dumps(_clean(value), ensure_ascii=False, separators=(",", ":")).encode()


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
        try:
            about = entry["field"]
            number = about["id"]
            value = {
                "name": about["name"],
                "type": about["type"],
                "value": entry["value"],
                "stringValue": entry["stringValue"],
            }
        except (KeyError, TypeError):
            about = entry.get("field") if isinstance(entry, dict) else None
            if not isinstance(about, dict):
                continue
            number = about.get("id")
            value = {"name": about.get("name"), "type": about.get("type")}
            value.update((name, entry[name]) for name in ("value", "stringValue") if name in entry)
        if type(number) is not int:
            number = api.reference_id(number)
            if number is None:
                continue
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
            values=_contact,
        ),
        Table(
            "contact_details",
            ("id",),
            {**_ID, **_OBJECT},
            "contact_details",
            values=_with_id,
        ),
        Table(
            "contact_comments",
            ("id",),
            {**_ID, "contact_id": "bigint", **_OBJECT},
            "comments",
            values=_keyed(contact_id=contact_id_of_comment, id=lambda r, u: api.reference_id(r)),
        ),
        Table(
            "task_comments",
            ("id",),
            {**_ID, "task_id": "bigint", **_OBJECT},
            "comments",
            values=_keyed(task_id=task_id_of_comment, id=lambda r, u: api.reference_id(r)),
        ),
        Table("users", ("id",), {**_ID, **_OBJECT}, "users", values=_with_id),
        Table(
            "contact_groups",
            ("id",),
            {**_ID, **_OBJECT},
            "contact_groups",
            values=_with_id,
        ),
        Table(
            "contact_templates",
            ("id",),
            {**_ID, "is_company": "bool", **_OBJECT},
            "contact_templates",
            values=_contact,
        ),
        Table(
            "custom_fields",
            ("object_type", "id"),
            {**_ID, "object_type": "bigint", **_OBJECT},
            "custom_fields",
            row_id=_custom_field_key,
            values=_custom_field,
        ),
        Table("data_tags", ("id",), {**_ID, **_OBJECT}, "data_tags", values=_with_id),
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
            values=_with_id,
        ),
        Table(
            "directory_entries",
            ("directory_id", "key"),
            {"directory_id": "bigint", "key": "bigint", **_OBJECT},
            "directory_entries",
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
        ),
        Table(
            "capability_profile",
            ("account",),
            {"account": "text", "checked_at": "timestamp", "profile": "json"},
        ),
        Table(
            "extract_state",
            ("account", "name"),
            {"account": "text", "name": "text", "payload": "json", "noted_at": "timestamp"},
        ),
        Table(
            "contact_comment_checks",
            ("contact_id",),
            {"contact_id": "bigint", "checked_at": "timestamp", "run_id": "text"},
        ),
    )
}
SWEEP = Table(
    "id_sweep",
    ("sweep_id", "id"),
    {"sweep_id": "text", "id": "bigint", "is_company": "bool", "updated_at": "timestamp"},
)

# columns that are the same for a page or known only when it is loaded: at the end of each line
LATE = ("run_id", "fetched_at")


def cell(value: Any) -> bytes:
    """Writes one value as PostgreSQL reads it in CSV."""
    if value is None:
        return b""
    if value is True or value is False:
        return b"t" if value else b"f"
    if isinstance(value, int):
        return b"%d" % value
    if isinstance(value, datetime):
        return value.isoformat().encode()
    text = value if isinstance(value, bytes) else str(value).encode()
    return b'"%b"' % text.replace(b'"', b'""')


def early_columns(table: Table) -> list[str]:
    """Returns the columns that `ready_rows` writes, in their order."""
    return [name for name in table.columns if name not in LATE]


def _early_line(table: Table, columns: Sequence[str], row: Row, unit: str) -> bytes | None:
    found = table.values(row, unit)
    if found is None:
        return None
    if "custom_fields" in table.columns:
        found["custom_fields"] = _json(custom_fields_by_id(row))
    if "custom_fields" in table.columns and "customFieldData" in row:
        # the caller still needs the whole row, and a copy would cost more
        entries = row.pop("customFieldData")
        found["payload"] = _json(row)
        row["customFieldData"] = entries
    else:
        found["payload"] = _json(row)
    return b",".join([cell(found.get(name)) for name in columns])


def ready_rows(stage: str, unit: str, rows: Sequence[Row]) -> bytes:
    """Writes the rows of a page for all tables of its stage: their ids, then a line for each."""
    head: list[tuple[str, list[Any]]] = []
    lines: list[bytes] = []
    for table in _BY_STAGE.get(stage, ()):
        columns = early_columns(table)
        latest = {table.row_id(row, unit): row for row in rows}
        ids = []
        for row_id, row in latest.items():
            line = None if row_id is None else _early_line(table, columns, row, unit)
            if line is not None:
                ids.append(row_id)
                lines.append(line)
        head.append((table.name, ids))
    return b"\n".join([orjson.dumps(head), *lines])


def lines_of(ready: bytes, table: str) -> tuple[list[Any], list[bytes]]:
    """Returns ids and lines of one table out of what `ready_rows` wrote."""
    first, *lines = ready.split(b"\n")
    start = 0
    for name, ids in orjson.loads(first) if first else ():
        if name == table:
            return ids, lines[start : start + len(ids)]
        start += len(ids)
    return [], []


_BY_STAGE: dict[str, list[Table]] = {}
for _table in TABLES.values():
    _BY_STAGE.setdefault(_table.stage, []).append(_table)
