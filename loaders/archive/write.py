"""Writes the raw schemas to Parquet files and proves that the files hold what the tables hold.

One snapshot serves all tables. A folder holds one file per table, one more that lists every file
attached to a card, a note or a task (`planfix_files`), and `manifest.json` with the rows, columns,
bytes and SHA-256 of each. Values are kept as they are: text as text, jsonb as JSON text, times with
their zone. The folder appears under its name only when it is whole. It holds personal data: only
its owner may read it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from loaders import database, settings
from loaders.errors import DatabaseError, InputFileError

SCHEMAS = ("planfix_raw", "planfix_csv_raw")
MANIFEST = "manifest.json"
ROWS_PER_GROUP = 20_000
PROGRESS_SECONDS = 10.0

# what a column becomes; anything else is written as its text
ARROW_TYPES = {
    "bigint": pa.int64(),
    "integer": pa.int64(),
    "smallint": pa.int64(),
    "boolean": pa.bool_(),
    "double precision": pa.float64(),
    "timestamp with time zone": pa.timestamp("us", tz="UTC"),
}

_FILES = """
    select
        owners.owner_kind,
        owners.owner_id,
        (files.value ->> 'id')::text as file_id,
        files.value ->> 'name' as file_name,
        files.value ->> 'size' as file_size,
        files.value ->> 'link' as file_link,
        files.value::text as file_object
    from (
        select 'contact' as owner_kind, id as owner_id, payload -> 'files' as files
        from planfix_raw.contacts
        union all
        select 'contact_comment', id, payload -> 'files' from planfix_raw.contact_comments
        union all
        select 'task', id, payload -> 'files' from planfix_raw.tasks
        union all
        select 'task_comment', id, payload -> 'files' from planfix_raw.task_comments
    ) as owners
    cross join lateral jsonb_array_elements(
        case jsonb_typeof(owners.files) when 'array' then owners.files end
    ) as files
    order by owners.owner_kind, owners.owner_id, files.value ->> 'id'
"""
_FILE_COLUMNS = {
    "owner_kind": "text",
    "owner_id": "bigint",
    "file_id": "text",
    "file_name": "text",
    "file_size": "text",
    "file_link": "text",
    "file_object": "text",
}


@dataclass(frozen=True)
class Archive:
    """A finished archive.

    Attributes:
        folder: where it is.
        manifest_sha256: SHA-256 of its manifest.
        tables: files in it.
        rows: rows in all of them.
    """

    folder: Path
    manifest_sha256: str
    tables: int
    rows: int


def write(
    folder: Path | None = None, operator: str = "", tell: Callable[[str], None] = lambda _: None
) -> Archive:
    """Writes the archive and notes it in migration.archives.

    Args:
        folder: where to; a new folder under `.local/archive` when not given.
        operator: who is on record for it.
        tell: takes a line of progress.

    Raises:
        DatabaseError: nothing was extracted, or the state of the migration is missing.
        InputFileError: the folder exists.
    """
    name = f"planfix-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    folder = folder or settings.local_dir() / "archive" / name
    if folder.exists():
        raise InputFileError(f"{folder} exists: give another folder with --dir.")
    unfinished = folder.with_name(folder.name + ".unfinished")
    with database.connect() as link:
        link.execute("set transaction isolation level repeatable read")
        link.execute("set local time zone 'UTC'")
        tables = _tables(link)
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True, mode=0o700)
        entries = [_write_table(link, unfinished, table, tell) for table in tables]
        entries.append(
            _write_query(link, unfinished, "planfix_files", _FILE_COLUMNS, sql.SQL(_FILES), tell)
        )
        latest = link.execute(
            "select greatest((select max(fetched_at) from planfix_raw.contacts),"
            " (select max(finished_at) from planfix_raw.extract_runs),"
            " (select max(loaded_at) from planfix_csv_raw.export_files))"
        ).fetchone()
        manifest = {
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "created_by": operator,
            "latest_fetched_at": latest[0].isoformat() if latest and latest[0] else None,
            "tables": entries,
        }
        content = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        (unfinished / MANIFEST).write_text(content, encoding="utf-8")
        found = Archive(
            folder,
            hashlib.sha256(content.encode()).hexdigest(),
            len(entries),
            sum(entry["rows"] for entry in entries),
        )
        verify(unfinished)
        unfinished.rename(folder)
        link.execute(
            "insert into migration.archives (archive_name, manifest_sha256, tables, total_rows,"
            " latest_fetched_at, created_by) values (%s, %s, %s, %s, %s, %s)",
            [
                folder.name,
                found.manifest_sha256,
                found.tables,
                found.rows,
                latest[0] if latest else None,
                operator,
            ],
        )
    return found


def verify(folder: Path) -> int:
    """Reads an archive back; returns its rows.

    Raises:
        InputFileError: no manifest, or a file that is not as the manifest says.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputFileError(f"{folder} has no readable {MANIFEST}.") from error
    for entry in manifest["tables"]:
        path = folder / entry["file"]
        if not path.is_file():
            raise InputFileError(f"{folder}: {entry['file']} is missing.")
        if _sha256(path) != entry["sha256"]:
            raise InputFileError(f"{folder}: {entry['file']} is not as it was written.")
        if pq.read_metadata(path).num_rows != entry["rows"]:
            raise InputFileError(f"{folder}: {entry['file']} has not {entry['rows']} rows.")
    return sum(int(entry["rows"]) for entry in manifest["tables"])


def _tables(link: psycopg.Connection) -> list[tuple[str, str]]:
    has_state = link.execute("select to_regclass('migration.archives') is not null").fetchone()
    tables = [
        (str(schema), str(table))
        for schema, table in link.execute(
            "select table_schema, table_name from information_schema.tables"
            " where table_schema = any(%s) and table_type = 'BASE TABLE' order by 1, 2",
            [list(SCHEMAS)],
        ).fetchall()
    ]
    if not tables or not has_state or not has_state[0]:
        raise DatabaseError(
            "there is nothing to archive: run dlt pipeline run and dbt build on this database."
        )
    purged = link.execute(
        "select max(purged_at) > greatest("
        " (select max(finished_at) from planfix_raw.extract_runs where mode = 'full'),"
        " (select max(loaded_at) from planfix_csv_raw.export_files)) is not false"
        " from migration.purges having count(*) > 0"
    ).fetchone()
    if purged and purged[0]:
        raise DatabaseError("the raw data was purged: the archive made before that stands.")
    rows = link.execute(
        "select (select count(*) from planfix_raw.contacts)"
        " + (select count(*) from planfix_csv_raw.export_rows)"
    ).fetchone()
    if not rows or not rows[0]:
        raise DatabaseError("there is nothing to archive: nothing was extracted yet.")
    return tables


def _write_table(
    link: psycopg.Connection, folder: Path, table: tuple[str, str], tell: Callable[[str], None]
) -> dict[str, Any]:
    columns = {
        str(name): str(kind)
        for name, kind in link.execute(
            "select column_name, data_type from information_schema.columns"
            " where (table_schema, table_name) = (%s, %s) order by ordinal_position",
            list(table),
        ).fetchall()
    }
    chosen = [
        sql.Identifier(name) + (sql.SQL("") if kind in ARROW_TYPES else sql.SQL("::text"))
        for name, kind in columns.items()
    ]
    query = sql.SQL("select {} from {}").format(sql.SQL(", ").join(chosen), sql.Identifier(*table))
    return _write_query(link, folder, ".".join(table), columns, query, tell)


def _write_query(
    link: psycopg.Connection,
    folder: Path,
    name: str,
    columns: dict[str, str],
    query: sql.SQL | sql.Composed,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    schema = pa.schema(
        [pa.field(column, ARROW_TYPES.get(kind, pa.string())) for column, kind in columns.items()]
    )
    path = folder / f"{name}.parquet"
    rows = 0
    told = time.monotonic()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with (
        os.fdopen(descriptor, "wb") as file,
        pq.ParquetWriter(file, schema, compression="zstd") as writer,
    ):
        for batch in _batches(link, query):
            arrays = [
                pa.array(values, type=field.type)
                for values, field in zip(zip(*batch, strict=True), schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            rows += len(batch)
            if time.monotonic() - told > PROGRESS_SECONDS:
                told = time.monotonic()
                tell(f"{name}: {rows} rows")
    tell(f"{name}: {rows} rows, done")
    return {
        "table": name,
        "file": path.name,
        "rows": rows,
        "columns": list(columns),
        "bytes": path.stat().st_size,
        "sha256": _sha256(path),
    }


def _batches(
    link: psycopg.Connection, query: sql.SQL | sql.Composed
) -> Iterator[Sequence[Sequence[Any]]]:
    with link.cursor(name="archive") as cursor:
        cursor.execute(query)
        while batch := cursor.fetchmany(ROWS_PER_GROUP):
            yield batch


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
