"""A table is left as it is when its query and inputs are what they were, and only then."""

from __future__ import annotations

import psycopg

from tests.pytest.conftest import Commands

TABLE = "intermediate.int_csv_files__classified"


def _address(link: psycopg.Connection) -> object:
    return link.execute("select %s::regclass::oid", [TABLE]).fetchone()


def _rows(link: psycopg.Connection) -> list[tuple[object, ...]]:
    return link.execute(f"select to_jsonb(found)::text from {TABLE} as found order by 1").fetchall()


def _add_file(link: psycopg.Connection, name: str) -> None:
    link.execute(
        "insert into planfix_csv_raw.export_files "
        "(file_sha256, file_name, format, row_count, loaded_at, _dlt_load_id, _dlt_id) "
        "values (%(name)s, %(name)s, 'csv', 1, '2026-01-01', 'load', %(name)s)",
        {"name": name},
    )


def test_tables_are_reused_until_an_input_changes(
    commands: Commands, link: psycopg.Connection
) -> None:
    def build(*arguments: str) -> object:
        selected = ("--select", "+int_csv_files__classified")
        without = ("--exclude-resource-type", "test", "unit_test")
        done = commands.dbt("build", *selected, *without, *arguments)
        assert done.returncode == 0, done.stdout
        return _address(link)

    build()
    link.execute(
        "insert into planfix_csv_raw._dlt_loads (load_id, status, inserted_at) "
        "values ('load', 0, now())"
    )
    _add_file(link, "contacts.csv")
    first, rows = build(), _rows(link)
    assert len(rows) == 1
    assert build() == first, "nothing changed, yet the table was built again"

    # raw changed without any load: an update in place, which leaves all counts as they were
    link.execute("update planfix_csv_raw.export_files set file_name = 'clients.csv'")
    second, rows = build(), _rows(link)
    assert second != first
    assert "clients.csv" in str(rows)
    full = build("--full-refresh")
    assert full != second
    assert _rows(link) == rows, "what was reused and built in steps differs from a full build"

    # what a crash does to an unlogged table
    link.execute(f"truncate {TABLE}")
    assert build() != full
    assert _rows(link) == rows
