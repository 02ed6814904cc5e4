"""The dlt source over the spool: one resource per raw table, keyed and merged.

The spool holds the rows ready-made, so a resource only writes those that no newer page replaced
into files that PostgreSQL copies as they are. dlt imports the files, makes the tables, copies and
merges; nothing is left for its normaliser. One page at a time is in memory.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import dlt
from dlt.common.storages.load_package import load_package_state
from dlt.extract import DltResource, with_file_import

from loaders.pipelines import SCHEMA_CONTRACT
from loaders.planfix.spool import Spool
from loaders.planfix.tables import (
    LATE,
    LOGS,
    SWEEP,
    TABLES,
    Table,
    Values,
    cell,
    early_columns,
)

# several files of a table are copied at the same time
FILE_BYTES = 16_000_000
BATCH_ROWS = 2_000
DLT_COLUMNS = ("_dlt_load_id", "_dlt_id")

Lines = Sequence[bytes]


def _files(
    table: Table, columns: Sequence[str], folder: Path, batches: Iterable[tuple[bytes, Lines]]
) -> Iterator[Any]:
    """Writes lines into files and hands them to dlt, at least one, so that the table is made.

    Args:
        table: the table.
        columns: columns of the lines with the ends of their batches.
        folder: where the files are written.
        batches: lines, and before them what ends each of them.
    """
    load_id = load_package_state()["load_id"]
    header = ",".join([*columns, *DLT_COLUMNS]).encode() + b"\n"
    # unique, and in the order of the rows, which is what an index likes best
    last = b'"%b","%b' % (load_id.encode(), secrets.token_hex(6).encode())
    written = in_file = parts = 0
    path = folder / f"{table.name}.0.csv"
    out = path.open("wb")
    try:
        out.write(header)
        for end, lines in batches:
            if out.tell() >= FILE_BYTES:
                out.close()
                yield with_file_import(str(path), "csv", in_file)
                path.unlink()
                parts, in_file = parts + 1, 0
                path = folder / f"{table.name}.{parts}.csv"
                out = path.open("wb")
                out.write(header)
            tail = end + last
            numbered = enumerate(lines, written)
            out.write(b"".join([b'%b%b%07x"\n' % (line, tail, n) for n, line in numbered]))
            written += len(lines)
            in_file += len(lines)
        out.close()
        yield with_file_import(str(path), "csv", in_file)
    finally:
        out.close()
        path.unlink(missing_ok=True)


def _object_lines(table: Table, spool: Spool, run_id: str) -> Iterator[tuple[bytes, Lines]]:
    for fetched_at, lines in spool.newest_lines(table.stage, table.name):
        yield b",%b,%b," % (cell(run_id), cell(fetched_at)), lines


def _lines(table: Table, rows: Iterable[Values]) -> Iterator[tuple[bytes, Lines]]:
    waiting: list[bytes] = []
    for row in rows:
        waiting.append(b",".join([cell(row.get(name)) for name in table.columns]))
        if len(waiting) >= BATCH_ROWS:
            yield b",", waiting
            waiting = []
    yield b",", waiting


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
    table: Table, files: Callable[[], Iterator[Any]], disposition: str = "merge"
) -> DltResource:
    columns: dict[str, Any] = {}
    for name, kind in table.columns.items():
        columns[name] = {
            "data_type": kind,
            "nullable": name not in {*table.keys, "payload"},
        }
    columns["_dlt_load_id"] = {"data_type": "text", "nullable": False}
    columns["_dlt_id"] = {"data_type": "text", "nullable": False, "unique": True, "row_key": True}
    return dlt.resource(
        files,
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
    folder: Path,
    run_id: str,
    tables: Iterable[str],
    logs: dict[str, list[Values]],
    sweep: Sweep | None = None,
    empty: Collection[str] = (),
) -> Iterator[DltResource]:
    """Planfix objects out of the spool, and the extract's own books.

    Args:
        spool: pages of this run.
        folder: private folder for the files on their way to dlt.
        run_id: name of the run.
        tables: object tables to load.
        logs: rows of the books (`extract_runs`, `extract_audit`, …) by table.
        sweep: the ids of a complete sweep; it replaces the one before.
        empty: tables without rows: theirs are appended, all others merged.

    Yields:
        One resource per table.
    """

    def resource(
        table: Table,
        columns: Sequence[str],
        batches: Callable[[], Iterator[tuple[bytes, Lines]]],
        disposition: str = "merge",
    ) -> DltResource:
        return _resource(table, lambda: _files(table, columns, folder, batches()), disposition)

    for name in tables:
        table = TABLES[name]
        yield resource(
            table,
            [*early_columns(table), *LATE],
            partial(_object_lines, table, spool, run_id),
            "append" if name in empty else "merge",
        )
    for name, rows in logs.items():
        table = LOGS[name]
        yield resource(table, list(table.columns), partial(_lines, table, rows))
    if sweep:
        rows_of_sweep = _sweep_rows(spool, sweep.stage, sweep.sweep_id, sweep.left_out)
        yield resource(SWEEP, list(SWEEP.columns), partial(_lines, SWEEP, rows_of_sweep), "replace")
