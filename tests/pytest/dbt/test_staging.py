"""Staging on real databases: sources that are missing, sources that disagree, foreign relations."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import psycopg

from tests.pytest.conftest import PROJECT, Commands

SELECTED = ("+int_contacts__normalized", "+int_contact_tags__mapped", "+int_managers__mapped")
LIVE = {"RIDERRA_CREATE_LIVE_TABLES": "true"}


def _one(link: psycopg.Connection, query: str) -> tuple[object, ...]:
    row = link.execute(query).fetchone()
    assert row is not None
    return row


def _run(commands: Commands, *selected: str, check: bool = True, **extra: str) -> str:
    # `dbt run` has no seeds; the models below need them all
    arguments = ["build", "--exclude-resource-type", "test", "unit_test", "--select", *selected]
    done = commands.dbt(*arguments, **{**LIVE, **extra}, check=check)
    assert check or done.returncode != 0
    return done.stdout


def test_models_build_when_sources_and_crm_are_missing(
    commands: Commands, link: psycopg.Connection
) -> None:
    output = _run(commands, *SELECTED)
    assert "relations no extract has filled yet" in output
    assert "crm.users is not there; stg_crm__users stays empty" in output
    assert _one(link, "select count(*) from intermediate.int_contacts__normalized") == (0,)

    # what is missing later on comes back, what is there stays as it is
    link.execute("insert into planfix_raw.users values (1, 'r', now(), '{}', 'load', 'row')")
    link.execute("drop table planfix_raw.tasks cascade")
    link.execute("alter table planfix_raw.contacts drop column run_id cascade")
    link.execute("drop schema planfix_csv_raw cascade")
    link.execute("create schema crm")
    link.execute("create table crm.users (id uuid, email text, is_active boolean, name text)")
    link.execute(
        "insert into crm.users values (gen_random_uuid(), ' Sales@Riderra.Example ', false, 'A  B')"
    )
    output = _run(commands, "stg_planfix__tasks", "stg_planfix__contacts", "stg_crm__users")
    assert "8 statements for relations no extract has filled yet" in output
    assert _one(link, "select count(*) from planfix_raw.users") == (1,)
    assert _one(link, "select count(*) from staging.stg_planfix__tasks") == (0,)
    assert _one(link, "select run_id from staging.stg_planfix__contacts union all select 'x'")
    found = _one(link, "select email, user_name, is_active from staging.stg_crm__users")
    assert found == ("sales@riderra.example", "A B", False)

    link.execute("alter table crm.users rename column email to mail")
    output = _run(commands, "stg_crm__users", check=False)
    assert "crm.users has no column email: correct email in the var crm_users_columns" in output


def test_export_and_api_meet_by_contact_number(
    commands: Commands, link: psycopg.Connection, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping"
    shutil.copytree(PROJECT / "seeds" / "mapping", mapping)
    before = _digests(mapping)
    _run(commands, "+stg_planfix__contacts", "+stg_planfix_csv__records")
    for schema in ("planfix_raw", "planfix_csv_raw"):
        link.execute(
            f"insert into {schema}._dlt_loads (load_id, status, inserted_at) values "
            "('done', 0, now()), ('half', 1, now())"
        )
    _contact(link, 1, {"name": "Вера", "lastname": "Тутова", "address": "old"}, "2026-01-01")
    _contact(link, 2, {"name": "Глеб", "lastname": "Примеров", "address": "new"}, "2026-03-01")
    _contact(link, 3, {"name": "Полузагруженный"}, "2026-03-01", load="half")
    header = ["Номер", "Имя Фамилия / Название", "Адрес", "Цвет"]
    rows = [
        ["1.00", "Тутова Вера", "new", "red"],
        ["2.00", "Глеб Примеров", "old", ""],
        ["1 004.00", "Новая", "", ""],
        ["", "Без номера", "", ""],
    ]
    link.execute(
        "insert into planfix_csv_raw.export_files (file_sha256, file_name, header, row_count, "
        "file_modified_at, _dlt_load_id, _dlt_id) values "
        "('f', 'Контакты.csv', %s, 4, '2026-02-01', 'done', 'f')",
        [json.dumps(header)],
    )
    for number, cells in enumerate(rows, start=2):
        link.execute(
            "insert into planfix_csv_raw.export_rows (file_sha256, line_number, row, "
            "_dlt_load_id, _dlt_id) values ('f', %s, %s, 'done', %s)",
            [number, json.dumps(dict(zip(header, cells, strict=True))), str(number)],
        )

    _run(commands, *SELECTED, MAPPING_DIR=str(mapping))

    found = link.execute(
        "select planfix_id, has_api, has_csv, csv_is_newer, display_name, family_name, address, "
        "raw_table, source_line from intermediate.int_contacts__normalized order by planfix_id"
    ).fetchall()
    exported, fetched = "planfix_csv_raw.export_rows", "planfix_raw.contacts"
    assert found == [
        (1, True, True, True, "Вера Тутова", "Тутова", "new", exported, 2),
        (2, True, True, False, "Глеб Примеров", "Примеров", "new", fetched, 3),
        (1004, False, True, True, "Новая", None, None, exported, 4),
    ]
    # the line without a number waits for a person, the header without a meaning too
    waiting = link.execute(
        "select line_number, name from intermediate.int_csv_lines__numbered "
        "where planfix_id is null"
    ).fetchall()
    assert waiting == [(5, "Без номера")]
    unknown = link.execute(
        "select header from staging.stg_planfix_csv__headers where field is null"
    ).fetchall()
    assert unknown == [("Цвет",)]
    # dbt writes beside its target folder when a seed's path is absolute
    assert _digests(mapping) == before


def _contact(
    link: psycopg.Connection, number: int, payload: dict[str, str], day: str, load: str = "done"
) -> None:
    link.execute(
        "insert into planfix_raw.contacts (id, is_company, custom_fields, fetched_at, payload, "
        "_dlt_load_id, _dlt_id) values (%s, false, '{}', %s, %s, %s, %s)",
        [number, day, json.dumps(payload), load, str(number)],
    )


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.csv")
    }
