"""One run: find the exports, check all of them, load those that are new."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg import sql

from loaders import database, settings
from loaders.errors import DatabaseError, InputFileError, SettingsError
from loaders.pipelines import Summary, build_pipeline, exclusive, load
from loaders.planfix_csv.headers import KnownHeaders
from loaders.planfix_csv.reader import MESSAGES, Export, fingerprint, open_export
from loaders.planfix_csv.seen import SeenFiles, file_name, segment_patterns
from loaders.planfix_csv.source import COLUMNS, planfix_csv

NAME = "planfix_csv"
SCHEMA = "planfix_csv_raw"
SAMPLE_MARKER = "SAMPLE_DATA"
SUFFIXES = frozenset({".csv", ".txt", ".tsv", ".xlsx", ".xlsm"})
OTHER_SUFFIXES = frozenset({".xls", ".xlsb", ".ods", ".zip", ".rar", ".7z", ".gz"})
LINES_SHOWN = 5

NewFile = tuple[Path, str, datetime]


def export_folder(given: str | None) -> Path:
    """Returns the folder of exports: `--dir`, else `PLANFIX_EXPORT_DIR`.

    Raises:
        SettingsError: neither is given, or it names no folder.
    """
    text = given or os.environ.get("PLANFIX_EXPORT_DIR", "").strip()
    if not text:
        raise SettingsError(
            "PLANFIX_EXPORT_DIR is not set: give the folder with the exports of the Planfix UI, "
            "there or with --dir."
        )
    origin = "--dir" if given else "PLANFIX_EXPORT_DIR"
    folder = Path(text).expanduser()
    if not folder.is_absolute() and not folder.exists():
        folder = settings.PROJECT_ROOT / folder
    if not folder.is_dir():
        raise SettingsError(f"{origin} names {text}, which is no folder: give an existing one.")
    return folder


def find_files(folder: Path) -> list[Path]:
    """Returns the export files of a folder and its subfolders, in order of their names.

    Raises:
        InputFileError: there is none, or some need unpacking or saving in another format.
    """
    visible = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not path.name.startswith("~$")
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    other = [path.name for path in visible if path.suffix.lower() in OTHER_SUFFIXES]
    if other:
        raise InputFileError(
            f"{', '.join(other[:LINES_SHOWN])}: not read; unpack archives and save workbooks as "
            ".xlsx or CSV, or move the files out of the folder."
        )
    found = [path for path in visible if path.suffix.lower() in SUFFIXES]
    if not found:
        raise InputFileError(
            f"{folder}: no exports in this folder; put the .csv or .xlsx files that the Export "
            "button of Planfix makes there."
        )
    return found


def _check_all(files: Sequence[NewFile], known: KnownHeaders) -> list[Export]:
    """Reads every file to its end.

    Raises:
        InputFileError: names every file that is no whole export.
    """
    exports: list[Export] = []
    problems: list[str] = []
    for path, key, modified_at in files:
        try:
            export = open_export(path, key, modified_at, known)
            export.check()
        except InputFileError as problem:
            problems.append(str(problem))
        else:
            exports.append(export)
    if problems:
        count = f"{len(problems)} files cannot be loaded, so none was: " if problems[1:] else ""
        raise InputFileError(count + " | ".join(problems))
    return exports


def _refuse_sample(folder: Path, link: psycopg.Connection) -> None:
    if any(folder.rglob(SAMPLE_MARKER)) and not database.is_embedded(link):
        raise SettingsError(
            f"{folder} holds the bundled sample data, which only the embedded database may take: "
            "give your own exports in PLANFIX_EXPORT_DIR, or unset DATABASE_URL and PG*."
        )


def _loaded_before(link: psycopg.Connection) -> SeenFiles:
    """Returns the loaded files, after removing what a killed load left.

    Raises:
        DatabaseError: the role may not.
    """
    seen = SeenFiles(segment_patterns())
    try:
        row = link.execute(
            "select to_regclass(%s), to_regclass(%s)",
            [f"{SCHEMA}._dlt_loads", f"{SCHEMA}.export_files"],
        ).fetchone()
        if row is None or None in row:
            return seen
        for table in COLUMNS:
            link.execute(
                sql.SQL(
                    "delete from {table} where not exists (select from {loads} as loads where "
                    "loads.load_id = _dlt_load_id and loads.status = 0)"
                ).format(
                    table=sql.Identifier(SCHEMA, table), loads=sql.Identifier(SCHEMA, "_dlt_loads")
                )
            )
        link.commit()
        for key, name, modified_at in link.execute(
            sql.SQL("select file_sha256, file_name, file_modified_at from {} order by 3").format(
                sql.Identifier(SCHEMA, "export_files")
            )
        ):
            seen.add(key, name, modified_at)
        return seen
    except psycopg.errors.InsufficientPrivilege:
        raise DatabaseError(
            f"the database role may not read and write schema {SCHEMA}: grant it usage, and "
            "select, insert and delete on its tables."
        ) from None


def _file_lines(
    exports: Sequence[Export], remarks: Sequence[str], known: KnownHeaders
) -> list[str]:
    lines = []
    for export in exports:
        encoding = f", {export.encoding}" if export.encoding else ""
        lines.append(f"{export.name}: {export.row_count:,} rows ({export.format}{encoding})")
        for reason, numbers in export.rejected.items():
            shown = ", ".join(map(str, numbers[:LINES_SHOWN]))
            more = ", …" if numbers[LINES_SHOWN:] else ""
            lines.append(
                f"{export.name}: {len(numbers):,} lines not read, {MESSAGES[reason]} "
                f"(line {shown}{more}); kept in {SCHEMA}.rejected_lines"
            )
        if not known.has_number(export.header):
            lines.append(
                f"{export.name}: no column is known as the contact number; its rows stay in "
                "quarantine until csv_headers.csv names it"
            )
    return [*lines, *remarks]


def run(given: str | None) -> Summary:
    """Loads the exports of a folder that were not loaded before."""
    folder = export_folder(given)
    paths = find_files(folder)
    known = KnownHeaders.from_mapping()
    with exclusive(NAME):
        with database.connect() as link:
            _refuse_sample(folder, link)
            before = _loaded_before(link)
        fresh: list[NewFile] = []
        remarks: list[str] = []
        for path in paths:
            sha256, modified_at = fingerprint(path)
            name = file_name(path)
            key, remark = before.decide(sha256, name, modified_at)
            if key:
                before.add(key, name, modified_at)
                fresh.append((path, key, modified_at))
            if remark:
                remarks.append(f"{name}: {remark}")
        exports = _check_all(fresh, known)
        rows: dict[str, int] = {}
        if exports:
            pipeline = build_pipeline(NAME, SCHEMA)
            rows = load(pipeline, planfix_csv(exports, uuid.uuid4().hex))
    summary = Summary(NAME, rows=rows, lines=_file_lines(exports, remarks, known))
    if not exports:
        summary.lines.append("nothing new")
    return summary
