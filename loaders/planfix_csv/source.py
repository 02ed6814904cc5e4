"""The dlt source over checked exports: files, rows, unreadable lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import dlt
import orjson
import pyarrow as pa
from dlt.extract import DltResource

from loaders.errors import InputFileError
from loaders.pipelines import SCHEMA_CONTRACT
from loaders.planfix_csv.reader import Export, ExportRow

Values = dict[str, Any]
BATCH_ROWS = 2_000
_ARROW = {
    "bigint": pa.int64(),
    "text": pa.string(),
    "json": pa.string(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}
COLUMNS = {
    "export_files": {
        "file_sha256": "text",
        "file_name": "text",
        "file_bytes": "bigint",
        "format": "text",
        "encoding": "text",
        "delimiter": "text",
        "header": "json",
        "row_count": "bigint",
        "rejected_count": "bigint",
        "file_modified_at": "timestamp",
        "loaded_at": "timestamp",
        "run_id": "text",
    },
    "export_rows": {
        "file_sha256": "text",
        "line_number": "bigint",
        "row": "json",
        "run_id": "text",
    },
    "rejected_lines": {
        "file_sha256": "text",
        "file_name": "text",
        "line_number": "bigint",
        "reason_code": "text",
        "message": "text",
        "raw_line": "text",
        "run_id": "text",
    },
}
KEYS = {
    "export_files": ("file_sha256",),
    "export_rows": ("file_sha256", "line_number"),
    "rejected_lines": ("file_sha256", "line_number"),
}


def _file_rows(exports: Iterable[Export], run_id: str) -> Iterator[Values]:
    loaded_at = datetime.now(UTC)
    for export in exports:
        yield {
            "file_sha256": export.key,
            "file_name": export.name,
            "file_bytes": export.size,
            "format": export.format,
            "encoding": export.encoding or None,
            "delimiter": export.delimiter or None,
            "header": orjson.dumps(export.header).decode(),
            "row_count": export.row_count,
            "rejected_count": export.rejected_count,
            "file_modified_at": export.modified_at,
            "loaded_at": loaded_at,
            "run_id": run_id,
        }


def _line_rows(exports: Iterable[Export], run_id: str) -> Iterator[Values]:
    for export in exports:
        count = 0
        for item in export.items():
            if isinstance(item, ExportRow):
                count += 1
                yield {
                    "file_sha256": export.key,
                    "line_number": item.line_number,
                    "row": orjson.dumps(item.cells).decode(),
                    "run_id": run_id,
                }
        if count != export.row_count or export.path.stat().st_size != export.size:
            raise InputFileError(
                f"{export.name}: the file changed while it was read; run the command again when it "
                "is complete."
            )


def _rejected_rows(exports: Iterable[Export], run_id: str) -> Iterator[Values]:
    for export in exports:
        for item in export.items() if export.rejected else ():
            if not isinstance(item, ExportRow):
                yield {
                    "file_sha256": export.key,
                    "file_name": export.name,
                    "line_number": item.line_number,
                    "reason_code": item.reason_code,
                    "message": item.message,
                    "raw_line": item.raw_line,
                    "run_id": run_id,
                }


def _arrow(table: str, rows: list[Values]) -> pa.Table:
    return pa.table(
        {
            name: pa.array([row[name] for row in rows], type=_ARROW[kind])
            for name, kind in COLUMNS[table].items()
        }
    )


def _batches(table: str, rows: Iterable[Values]) -> Iterator[pa.Table]:
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


def _resource(table: str, rows: Callable[[], Iterable[Values]]) -> DltResource:
    columns: dict[str, Any] = {
        name: {"data_type": kind, "nullable": name not in KEYS[table]}
        for name, kind in COLUMNS[table].items()
    }
    return dlt.resource(
        lambda: _batches(table, rows()),
        name=table,
        # a file is loaded once for all: its rows can only be new
        write_disposition="append",
        columns=columns,
        schema_contract=SCHEMA_CONTRACT,
    )


@dlt.source(name="planfix_csv", max_table_nesting=0, schema_contract=SCHEMA_CONTRACT)
def planfix_csv(exports: list[Export], run_id: str) -> Iterator[DltResource]:
    """Checked export files that are not in the database yet.

    Args:
        exports: the files, after `Export.check`.
        run_id: name of the run.

    Yields:
        One resource per raw table.
    """
    yield _resource("export_rows", lambda: _line_rows(exports, run_id))
    yield _resource("rejected_lines", lambda: _rejected_rows(exports, run_id))
    yield _resource("export_files", lambda: _file_rows(exports, run_id))
