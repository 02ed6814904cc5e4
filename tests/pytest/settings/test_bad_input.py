"""What `make migrate` says to a user's mistake: one message, an exit code, nothing left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from loaders import settings
from tests.pytest.conftest import FOREIGN, PROJECT

HEADER = "Номер;Имя Фамилия / Название;Телефон;Email\n"
ROW = "11;Иван Пример;+7 909 000-00-01;ivan@mail.example\n"


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """A folder with one good export."""
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "Контакты.csv").write_text(HEADER + ROW, encoding="utf-8")
    return folder


def migrate(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if key not in FOREIGN}
    return subprocess.run(
        [sys.executable, "-m", "loaders.migrate", "migrate"],
        cwd=PROJECT,
        env={
            **kept,
            "RIDERRA_LOCAL_DIR": str(folder / "local"),
            "RIDERRA_CREATE_LIVE_TABLES": "true",
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
            **variables,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def assert_refused(
    done: subprocess.CompletedProcess[str], code: int, *told: str, link: psycopg.Connection
) -> None:
    """One error, the right code, no traceback, no row of the account, nothing half loaded."""
    output = done.stdout + done.stderr
    assert done.returncode == code, output
    assert output.count("error: ") == 1, output
    for part in told:
        assert part in output
    assert "Traceback" not in output
    assert "Иван" not in output
    assert "909" not in output
    left = link.execute(
        "select count(*) from pg_class as relation "
        "inner join pg_namespace as namespace on relation.relnamespace = namespace.oid "
        "where namespace.nspname = 'planfix_csv_raw' and relation.relname = 'export_rows'"
    ).fetchone()
    if left and left[0]:
        rows = link.execute("select count(*) from planfix_csv_raw.export_rows").fetchone()
        assert rows == (0,)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param((HEADER + ROW).replace(";", "|").encode(), "line 1", id="delimiter"),
        pytest.param(b"", "the file is empty", id="empty file"),
        pytest.param(("a;b\n" + ROW).encode(), "line 1", id="header"),
        pytest.param((HEADER + ROW + '12;"Пётр').encode(), "line 3", id="cut last line"),
        pytest.param(bytes(range(256)) * 8, "not a text file", id="binary"),
        pytest.param(None, "no exports", id="folder without exports"),
    ],
)
def test_unusable_export(
    exports: Path,
    database: settings.DatabaseSettings,
    link: psycopg.Connection,
    content: bytes | None,
    told: str,
) -> None:
    (exports / "Контакты.csv").unlink()
    if content is not None:
        (exports / "Контакты.csv").write_bytes(content)
    done = migrate(exports.parent, DATABASE_URL=database.url(), PLANFIX_EXPORT_DIR=str(exports))
    assert_refused(done, 6, told, link=link)


def test_target_tables_are_missed_before_the_extract(
    exports: Path, database: settings.DatabaseSettings, link: psycopg.Connection
) -> None:
    done = migrate(
        exports.parent,
        DATABASE_URL=database.url(),
        PLANFIX_EXPORT_DIR=str(exports),
        RIDERRA_CREATE_LIVE_TABLES="auto",
        RIDERRA_SCHEMA="crm_main",
    )
    assert_refused(
        done, 7, "schema crm_main", "RIDERRA_CREATE_LIVE_TABLES=true", "customer_notes", link=link
    )
    assert "== extract" not in done.stdout


def test_role_without_rights(
    exports: Path, database: settings.DatabaseSettings, link: psycopg.Connection
) -> None:
    role = f"reader_{database.dbname}"
    link.execute(sql.SQL("create role {} login password 'reader'").format(sql.Identifier(role)))
    try:
        weak = replace(database, user=role, password="reader")
        done = migrate(exports.parent, DATABASE_URL=weak.url(), PLANFIX_EXPORT_DIR=str(exports))
        assert_refused(done, 7, f"grant create on database {database.dbname}", link=link)
    finally:
        link.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


def test_mapping_folder_without_a_file_or_a_column(
    exports: Path, database: settings.DatabaseSettings, link: psycopg.Connection, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping"
    shutil.copytree(PROJECT / "seeds" / "mapping", mapping)
    (mapping / "csv_headers.csv").unlink()
    (mapping / "tag_mapping.csv").write_text("source_kind,source_value\n", encoding="utf-8")
    done = migrate(
        exports.parent,
        DATABASE_URL=database.url(),
        PLANFIX_EXPORT_DIR=str(exports),
        MAPPING_DIR=str(mapping),
    )
    assert_refused(done, 2, "csv_headers.csv", "tag_mapping.csv: column", link=link)


def test_account_that_cannot_be_reached(
    database: settings.DatabaseSettings, link: psycopg.Connection, tmp_path: Path
) -> None:
    done = migrate(
        tmp_path,
        DATABASE_URL=database.url(),
        PLANFIX_BASE_URL="http://127.0.0.1:1/rest/",
        PLANFIX_TOKEN="a-secret",
    )
    assert_refused(done, 3, "cannot reach Planfix", "PLANFIX_BASE_URL", link=link)
    assert "a-secret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("variable", "value", "wanted"),
    [
        # Jinja takes it for 0, within which no note would be kept
        ("RIDERRA_NOTES_PER_CONTACT", "2O", "a whole number like 20"),
        ("RIDERRA_MAX_RETIRED_SHARE", "5%", "a number like 0.05"),
        ("RIDERRA_WORK_MEM", "plenty", "memory like 64MB"),
        ("RIDERRA_REUSE_TABLES", "maybe", "true or false"),
    ],
)
def test_setting_of_another_form(
    exports: Path, database: settings.DatabaseSettings, variable: str, value: str, wanted: str
) -> None:
    done = migrate(
        exports.parent,
        DATABASE_URL=database.url(),
        PLANFIX_EXPORT_DIR=str(exports),
        **{variable: value},
    )
    output = done.stdout + done.stderr
    assert done.returncode == 7, output
    assert output.count("error: ") == 1, output
    assert f"{variable} is '{value}', but has to be {wanted}" in output
    assert "Traceback" not in output
