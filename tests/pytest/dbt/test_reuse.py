"""A table is left as it is when its query and inputs are what they were, and only then.

So are views and seeds, and a test that passed over all that is not run again.
"""

from __future__ import annotations

import datetime

import psycopg

from tests.pytest.conftest import Commands

TABLE = "intermediate.int_csv_files__classified"
VIEW = "staging.stg_planfix_csv__files"
SEED = "seeds.segment_files"
SELECTED = ("--select", "+int_csv_files__classified")
VIEW_TEST = "test.riderra_migration.stg_planfix_csv__files_%"


def _address(link: psycopg.Connection, relation: str = TABLE) -> object:
    return link.execute("select %s::regclass::oid", [relation]).fetchone()


def _rows(link: psycopg.Connection, relation: str = TABLE) -> list[tuple[object, ...]]:
    return link.execute(
        f"select to_jsonb(found)::text from {relation} as found order by 1"
    ).fetchall()


def _add_file(link: psycopg.Connection, name: str) -> None:
    link.execute(
        "insert into planfix_csv_raw.export_files "
        "(file_sha256, file_name, format, row_count, loaded_at, _dlt_load_id, _dlt_id) "
        "values (%(name)s, %(name)s, 'csv', 1, '2026-01-01', 'load', %(name)s)",
        {"name": name},
    )


def _finish_load(link: psycopg.Connection) -> None:
    link.execute(
        "insert into planfix_csv_raw._dlt_loads (load_id, status, inserted_at) "
        "values ('load', 0, now())"
    )


def _passed_at(link: psycopg.Connection) -> list[datetime.datetime]:
    return [
        at
        for (at,) in link.execute(
            "select passed_at from migration.passed_tests where test_id like %s order by 1",
            [VIEW_TEST],
        )
    ]


def test_what_is_built_and_tested_stands_until_an_input_changes(
    commands: Commands, link: psycopg.Connection
) -> None:
    def run(*arguments: str) -> int:
        without = ("--exclude-resource-type", "unit_test", "--indirect-selection", "cautious")
        return commands.dbt("build", *SELECTED, *without, *arguments).returncode

    def build(*arguments: str) -> object:
        assert run(*arguments) == 0
        return _address(link)

    build()
    _finish_load(link)
    _add_file(link, "contacts.csv")
    first, view, tested = build(), _address(link, VIEW), _passed_at(link)
    assert len(_rows(link)) == 1
    assert tested
    assert build() == first, "nothing changed, yet the table was built again"
    assert _address(link, VIEW) == view, "nothing changed, yet the view was made anew"
    assert _passed_at(link) == tested, "nothing changed, yet the tests ran again"

    # a test that passed before finds what is wrong now, the second time too
    raw = "planfix_csv_raw.export_files"
    link.execute(f"insert into {raw} select * from {raw}")
    assert run() != 0
    assert run() != 0
    link.execute(f"delete from {raw} where ctid = (select max(ctid) from {raw})")

    # raw changed without any load: an update in place, which leaves all counts as they were
    link.execute(f"update {raw} set file_name = 'clients.csv'")
    second, rows = build(), _rows(link)
    assert second != first
    assert "clients.csv" in str(rows)

    # a row put in by hand; what a crash does to an unlogged table, and a mapping that somebody
    # changed in the database
    seed = _rows(link, SEED)
    for damage in (
        f"insert into {TABLE} select * from {TABLE}",
        f"truncate {TABLE}; update {SEED} set is_master = not is_master",
    ):
        link.execute(damage)
        # counted up to ten seconds later otherwise, while this connection is idle
        link.execute("select pg_stat_force_next_flush()")
        build()
        assert _rows(link) == rows, damage
        assert _rows(link, SEED) == seed, damage

    third = _address(link)
    assert build("--full-refresh") != third
    assert _rows(link) == rows, "what was reused and built in steps differs from a full build"
    assert min(_passed_at(link)) > max(tested)
