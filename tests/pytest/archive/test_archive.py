"""The archive holds every raw row and says so in its manifest."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest

from loaders import settings
from loaders.archive.__main__ import main
from tests.pytest.warm import WarmCommands


@pytest.fixture
def extracted(
    database: settings.DatabaseSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[psycopg.Connection]:
    """A database with raw tables, a few rows in them, and the state of the migration."""
    commands = WarmCommands(
        database,
        tmp_path,
        {"RIDERRA_CREATE_LIVE_TABLES": "true", "RIDERRA_MANAGE_ROLES": "false"},
    )
    commands.dbt("seed", "--select", "gates", check=True)
    monkeypatch.setenv("DATABASE_URL", database.url())
    monkeypatch.setenv("RIDERRA_OPERATOR", "tester")
    with psycopg.connect(database.url(), autocommit=True) as link:
        yield link


def fill(link: psycopg.Connection) -> None:
    """Writes some raw rows."""
    link.execute(
        "insert into planfix_raw.contacts (_dlt_load_id, _dlt_id, id, is_company, fetched_at,"
        " payload) select '1', n::text, n, n % 2 = 0, timestamptz '2026-01-01 12:00+03',"
        " jsonb_build_object('name', 'Имя ' || n, 'files', jsonb_build_array("
        " jsonb_build_object('id', n, 'name', 'f' || n || '.pdf', 'size', 12)))"
        " from generate_series(1, 30) as n"
    )
    link.execute(
        "insert into planfix_csv_raw.export_rows (_dlt_load_id, _dlt_id, file_sha256, line_number,"
        " \"row\") values ('1', 'a', 'abc', 2, '{\"Имя\": \"Ёлка\"}')"
    )


def test_archive_holds_every_row(
    extracted: psycopg.Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(extracted)
    folder = tmp_path / "archive"
    assert main(["--dir", str(folder)]) == 0
    assert "Имя" not in capsys.readouterr().err
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    written = {entry["table"]: entry for entry in manifest["tables"]}
    counted = {
        f"{schema}.{table}": extracted.execute(f'select count(*) from {schema}."{table}"')
        for schema, table in extracted.execute(
            "select table_schema, table_name from information_schema.tables"
            " where table_schema like 'planfix%raw'"
        ).fetchall()
    }
    rows: dict[str, Any] = {table: found.fetchone()[0] for table, found in counted.items()}  # type: ignore[index]
    assert {table: entry["rows"] for table, entry in written.items()} == {
        **rows,
        "planfix_files": 30,
    }
    contacts = pq.read_table(folder / "planfix_raw.contacts.parquet").to_pylist()
    first = next(row for row in contacts if row["id"] == 1)
    assert json.loads(first["payload"])["name"] == "Имя 1"
    assert first["fetched_at"].isoformat() == "2026-01-01T09:00:00+00:00"
    files = pq.read_table(folder / "planfix_files.parquet").to_pylist()
    assert {key: files[0][key] for key in ("owner_kind", "owner_id", "file_name")} == {
        "owner_kind": "contact",
        "owner_id": 1,
        "file_name": "f1.pdf",
    }
    for path in folder.iterdir():
        assert path.suffix == ".json" or stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert extracted.execute(
        "select archive_name, tables, total_rows, created_by from migration.archives"
    ).fetchall() == [("archive", len(written), sum(rows.values()) + 30, "tester")]

    # read back, and not when something was changed
    assert main(["verify", str(folder)]) == 0
    with (folder / "planfix_files.parquet").open("ab") as file:
        file.write(b"x")
    assert main(["verify", str(folder)]) == 6
    assert main(["--dir", str(folder)]) == 6
    assert "exists: give another folder" in capsys.readouterr().err


def test_nothing_extracted_is_said(
    extracted: psycopg.Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--dir", str(tmp_path / "archive")]) == 7
    assert "nothing was extracted yet" in capsys.readouterr().err
    assert not (tmp_path / "archive").exists()
