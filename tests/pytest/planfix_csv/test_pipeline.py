"""`dlt pipeline planfix_csv run` against a real database."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psycopg
import pytest

from loaders import settings
from loaders.errors import (
    EXIT_DATABASE,
    EXIT_INPUT,
    EXIT_SETTINGS,
    InputFileError,
    SettingsError,
    UserError,
)
from loaders.planfix_csv import extract
from tests.pytest.conftest import Commands, kill_group

HEADER = "Номер;Имя Фамилия / Название;Телефон\r\n"
FINISHED = (
    "select count(*) from planfix_csv_raw.export_rows where _dlt_load_id in "
    "(select load_id from planfix_csv_raw._dlt_loads where status = 0)"
)


@pytest.fixture
def exports(
    database: settings.DatabaseSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """An empty folder of exports; commands of this process use the test's database."""
    monkeypatch.setenv("DATABASE_URL", database.url())
    monkeypatch.setenv("RIDERRA_LOCAL_DIR", str(tmp_path / "local"))
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "local" / "dlt"))
    monkeypatch.delenv("PLANFIX_EXPORT_DIR", raising=False)
    folder = tmp_path / "exports"
    folder.mkdir()
    return folder


def write(folder: Path, name: str, *lines: str, changed: float | None = None) -> Path:
    path = folder / name
    path.write_bytes(("\ufeff" + HEADER + "".join(f"{line}\r\n" for line in lines)).encode())
    if changed is not None:
        os.utime(path, (changed, changed))
    return path


def count(link: psycopg.Connection, query: str) -> int:
    row = link.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def test_files_are_loaded_once(exports: Path, link: psycopg.Connection) -> None:
    write(exports, "Контакты.csv", "1.00;Вера Тутова;+7 916 123-45-67", "2.00;Пётр", "3.00;Анна;")
    write(exports, "Компании.csv", "4.00;Ромашка;")
    summary = extract.run(str(exports))
    assert summary.rows == {"export_files": 2, "export_rows": 3, "rejected_lines": 1}
    assert any("line 3" in line and "rejected_lines" in line for line in summary.lines)
    assert not any("916" in line or "Тутова" in line for line in summary.lines)
    assert count(link, FINISHED) == 3
    found = link.execute(
        "select file_name, format, encoding, delimiter, header, row_count, rejected_count, "
        "length(file_sha256), file_modified_at < loaded_at, run_id is not null "
        "from planfix_csv_raw.export_files order by row_count desc"
    ).fetchone()
    assert found == (
        "Контакты.csv", "csv", "utf-8-sig", ";", ["Номер", "Имя Фамилия / Название", "Телефон"],
        2, 1, 64, True, True,
    )  # fmt: skip
    assert link.execute(
        "select line_number, reason_code, raw_line from planfix_csv_raw.rejected_lines"
    ).fetchall() == [(3, "missing_columns", "2.00;Пётр")]

    again = extract.run(str(exports))
    assert again.rows == {}
    assert "Контакты.csv: loaded before, skipped" in again.lines
    write(exports, "ещё.csv", "5.00;Лев;")
    assert extract.run(str(exports)).rows["export_rows"] == 1
    assert count(link, FINISHED) == 4


def test_nothing_of_a_row_stays_in_the_working_folder(
    exports: Path, tmp_path: Path, link: psycopg.Connection
) -> None:
    write(exports, "Контакты.csv", "1.00;Вера Тутова;+7 916 123-45-67")
    extract.run(str(exports))
    assert count(link, FINISHED) == 1
    for path in (tmp_path / "local").rglob("*"):
        if path.is_file():
            assert "Тутова".encode() not in path.read_bytes(), path


def test_known_content_under_another_name(
    exports: Path, tmp_path: Path, link: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping = tmp_path / "mapping"
    mapping.mkdir()
    (mapping / "segment_files.csv").write_text(
        "file_pattern,segment,entity,is_master\nклиенты%,clients,any,false\n"
        "поставщики%,suppliers,any,false\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("MAPPING_DIR", str(mapping))
    write(exports, "Клиенты.csv", "1;Вера;")
    write(exports, "Клиенты (1).csv", "1;Вера;")
    write(exports, "копия.csv", "1;Вера;")
    write(exports, "Поставщики.csv", "1;Вера;")
    summary = extract.run(str(exports))
    # a client that is a supplier too: the name of the second file is news, its copies are not
    assert (summary.rows["export_files"], summary.rows["export_rows"]) == (2, 2)
    assert sum("skipped" in line for line in summary.lines) == 2
    assert extract.run(str(exports)).rows == {}


def test_an_export_that_returned_to_an_earlier_content(
    exports: Path, link: psycopg.Connection
) -> None:
    start = time.time() - 1000
    write(exports, "Клиенты.csv", "1;Вера;", changed=start)
    extract.run(str(exports))
    write(exports, "Клиенты.csv", "2;Анна;", changed=start + 100)
    extract.run(str(exports))
    write(exports, "Клиенты.csv", "1;Вера;", changed=start + 200)
    assert extract.run(str(exports)).rows["export_rows"] == 1
    assert extract.run(str(exports)).rows == {}
    latest = link.execute(
        "select r.row ->> 'Номер' from planfix_csv_raw.export_files f "
        "join planfix_csv_raw.export_rows r using (file_sha256) order by file_modified_at desc"
    ).fetchall()
    assert [number for (number,) in latest] == ["1", "2", "1"]


def test_one_bad_file_stops_all(exports: Path, link: psycopg.Connection) -> None:
    write(exports, "хорошие.csv", "1;Вера Тутова;")
    (exports / "cut.csv").write_bytes((HEADER + "1;Вера;\r\n2;Тут").encode())
    (exports / "empty.csv").write_bytes(b"")
    with pytest.raises(InputFileError) as caught:
        extract.run(str(exports))
    message = str(caught.value)
    assert "cut.csv, line 3" in message
    assert "empty.csv" in message
    assert "Тут" not in message
    assert count(link, "select count(*) from pg_tables where schemaname = 'planfix_csv_raw'") == 0


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("cut.csv", (HEADER + "1;Вера;\r\n2;Тут").encode(), ["line 3", "cut off"]),
        ("old.xls", b"", [".xlsx"]),
    ],
    ids=["cut", "xls"],
)
def test_bad_input_as_the_user_sees_it(
    database: settings.DatabaseSettings,
    tmp_path: Path,
    name: str,
    content: bytes,
    words: list[str],
) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / name).write_bytes(content)
    done = Commands(database, tmp_path).dlt("pipeline", "planfix_csv", "run", "--dir", str(folder))
    assert done.returncode == EXIT_INPUT
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert name in line
    assert all(word in line for word in words)
    assert "Traceback" not in done.stdout + done.stderr
    assert "Тут" not in done.stdout + done.stderr


def test_settings_as_the_user_sees_them(exports: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="PLANFIX_EXPORT_DIR is not set") as caught:
        extract.run(None)
    assert caught.value.exit_code == EXIT_SETTINGS
    with pytest.raises(SettingsError, match="no folder") as caught:
        extract.run(str(tmp_path / "nowhere"))
    assert caught.value.exit_code == EXIT_SETTINGS
    (exports / "readme.md").write_text("x")
    with pytest.raises(InputFileError, match="no exports"):
        extract.run(str(exports))


def test_sample_data_stays_in_the_embedded_database(
    exports: Path, database: settings.DatabaseSettings
) -> None:
    write(exports, "Контакты.csv", "1;Вера;")
    (exports / "SAMPLE_DATA").touch()
    with psycopg.connect(database.url(), autocommit=True) as link:
        link.execute(f'alter database "{database.dbname}" set riderra.embedded = off')
    with pytest.raises(SettingsError, match="sample data"):
        extract.run(str(exports))
    with psycopg.connect(database.url(), autocommit=True) as link:
        link.execute(f'alter database "{database.dbname}" set riderra.embedded = on')
    assert extract.run(str(exports)).rows["export_rows"] == 1


def test_a_role_without_rights(
    exports: Path, database: settings.DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(exports, "Контакты.csv", "1;Вера Тутова;")
    role = f"{database.dbname}_guest"
    with psycopg.connect(database.url(), autocommit=True) as link:
        link.execute(f"create role {role} login password 'guest'")
    try:
        guest = settings.DatabaseSettings(
            database.host, database.port, role, "guest", database.dbname
        )
        monkeypatch.setenv("DATABASE_URL", guest.url())
        with pytest.raises(UserError) as caught:
            extract.run(str(exports))
        assert caught.value.exit_code == EXIT_DATABASE
        assert "Тутова" not in str(caught.value)
    finally:
        with psycopg.connect(database.url(), autocommit=True) as link:
            link.execute(f"drop role {role}")


def test_killed_and_run_again(database: settings.DatabaseSettings, tmp_path: Path) -> None:
    commands = Commands(database, tmp_path)
    folder = tmp_path / "exports"
    folder.mkdir()
    rows = 30_000
    write(folder, "Контакты.csv", *(f"{number}.00;Имя {number};" for number in range(rows)))
    process = commands.start("dlt", "pipeline", "planfix_csv", "run", "--dir", str(folder))
    with psycopg.connect(database.url(), autocommit=True) as link:
        end = time.monotonic() + 90
        seen = False
        while not seen and process.poll() is None and time.monotonic() < end:
            seen = bool(
                count(
                    link,
                    "select count(*) from pg_stat_activity where datname = current_database() "
                    "and query ilike 'copy%export_rows%'",
                )
            )
        kill_group(process)
        assert seen, "the load was never seen at work"
        # the dead load's rows, if any, are not visible
        exists = "select count(*) from pg_tables where schemaname = 'planfix_csv_raw'"
        if count(link, exists + " and tablename = 'export_rows'"):
            assert count(link, FINISHED) in (0, rows)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DATABASE_URL", database.url())
            patch.setenv("RIDERRA_LOCAL_DIR", str(tmp_path / "local"))
            extract.run(str(folder))
        assert count(link, FINISHED) == rows
        assert count(link, "select count(*) from planfix_csv_raw.export_rows") == rows
        assert count(link, "select count(*) from planfix_csv_raw.export_files") == 1
