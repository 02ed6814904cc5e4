"""Export files as the user interface writes them, and the CRM's own tables."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import psycopg
import pytest
from openpyxl import load_workbook

from loaders.settings import DatabaseSettings
from simulator.__main__ import main
from simulator.crm import crm_user_id
from simulator.export import SAMPLE_MARK, write_exports
from simulator.generator import generate
from simulator.setup import SEGMENTS


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, delimiter=";"))


def test_one_master_per_kind_and_one_file_per_segment(tmp_path: Path) -> None:
    account = generate(1500, 4)
    counts = write_exports(account, tmp_path / "exports", truth=tmp_path / "truth.csv")
    files = {path.name for path in (tmp_path / "exports").iterdir()}
    assert (
        files
        == set(counts)
        == {"Компании.csv", "Контакты.csv"} | {f"{name}.csv" for _, _, name in SEGMENTS}
    )
    live = [contact for contact in account.contacts if not contact.is_deleted]
    assert counts["Компании.csv"] == sum(contact.is_company for contact in live)
    assert counts["Контакты.csv"] == len(live) - counts["Компании.csv"]
    assert len((tmp_path / "truth.csv").read_text(encoding="utf-8").splitlines()) == 1501


def test_the_format_of_the_user_interface(tmp_path: Path) -> None:
    account = generate(1500, 4)
    write_exports(account, tmp_path)
    raw = (tmp_path / "Контакты.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = rows_of(tmp_path / "Контакты.csv")
    header, lines = rows[0], rows[1:]
    assert header[:4] == ["Номер", "Имя Фамилия / Название", "Телефон", "Email"]
    assert header.count("Комментарий") == 2
    filled = [line for line in lines if any(line)]
    assert len(filled) < len(lines), "blank lines are part of the dirt"
    assert all(re.fullmatch(r"\d+\.00", line[0]) for line in filled)
    assert all(len(line) == len(header) for line in filled)
    numbers = {int(line[0][:-3]) for line in filled}
    assert numbers == {c.id for c in account.live_contacts() if not c.is_company}
    cells = [cell for line in filled for cell in line]
    assert any("\u00a0" in cell for cell in cells)
    assert any("&nbsp;" in cell for cell in cells)
    assert any("\n" in cell for cell in cells)


def test_segment_files_are_older_than_the_master_files(tmp_path: Path) -> None:
    account = generate(3000, 4)
    write_exports(account, tmp_path)
    master = (tmp_path / "Контакты.csv").stat().st_mtime
    deleted = {contact.id for contact in account.contacts if contact.is_deleted}
    found = set()
    for _, _, name in SEGMENTS:
        path = tmp_path / f"{name}.csv"
        assert path.stat().st_mtime < master
        found |= {int(line[0][:-3]) for line in rows_of(path)[1:] if any(line)}
    assert found & deleted, "some records were deleted after a segment was exported"


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251"])
def test_commas_and_windows_encoding(tmp_path: Path, encoding: str) -> None:
    write_exports(generate(100, 4), tmp_path, file_format="csv-comma", encoding=encoding)
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    with (tmp_path / "Компании.csv").open(encoding=codec, newline="") as file:
        assert next(csv.reader(file))[:2] == ["Номер", "Имя Фамилия / Название"]


def test_workbooks(tmp_path: Path) -> None:
    counts = write_exports(generate(100, 4), tmp_path, file_format="xlsx")
    sheet = load_workbook(tmp_path / "Контакты.xlsx", read_only=True).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][0] == "Номер"
    assert sum(any(row) for row in rows[1:]) == counts["Контакты.xlsx"]


def test_numbers_with_thousands_separators(tmp_path: Path) -> None:
    write_exports(generate(100, 4), tmp_path, spaced_numbers=True)
    number = rows_of(tmp_path / "Контакты.csv")[1][0]
    assert re.fullmatch(r"1\u00a0\d{3}\.00", number)


def test_the_same_account_exports_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        assert (
            main(["export", "--size", "120", "--seed", "3", "--dir", str(tmp_path / folder)]) == 0
        )
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    assert not (tmp_path / "a" / SAMPLE_MARK).exists()
    assert main(["export", "--size", "60", "--sample", "--dir", str(tmp_path / "s")]) == 0
    assert (tmp_path / "s" / SAMPLE_MARK).exists()


def test_a_size_out_of_range_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--size", "10", "--dir", str(tmp_path)]) == 2
    assert "50 to 1000000" in capsys.readouterr().err


def test_the_crm_gets_users_and_orders(
    database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["crm", "--size", "600", "--seed", "2", "--database-url", database.url()]
    assert main(arguments) == 0
    with psycopg.connect(database.url(), autocommit=True) as link:
        link.execute("create view orders_view as select * from crm.orders")
    assert main(arguments) == 0
    with psycopg.connect(database.url()) as link:
        users = dict(link.execute("select id, email from crm.users").fetchall())
        assert users[crm_user_id(5)] == "vera.maketova@riderra.example"
        assert crm_user_id(9) not in users
        assert link.execute("select count(*) from crm.users where not is_active").fetchone() == (1,)
        counted = link.execute(
            "select count(*), count(*) filter (where customer_phone <> ''), count(distinct id)"
            " from crm.orders"
        ).fetchone()
        assert counted is not None
        assert counted[0] == counted[2] > 50
        assert counted[1] > 20


def test_tables_that_hold_other_data_are_left_alone(
    database: DatabaseSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(database.url(), autocommit=True) as link:
        link.execute("create schema crm")
        link.execute("create table crm.users as select 1 as id")
    assert main(["crm", "--size", "60", "--database-url", database.url()]) == 7
    assert "left alone" in capsys.readouterr().err
    with psycopg.connect(database.url()) as link:
        assert link.execute("select id from crm.users").fetchone() == (1,)
