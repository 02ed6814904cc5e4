"""Inside the database or precomputed: models cannot tell the two apart.

The in-database tests need a server with plpython3u whose Python has the pinned packages: the one
of `RIDERRA_TEST_POSTGRES_URL`, or of `RIDERRA_TEST_POSTGRES15_URL`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from loaders import settings
from loaders.errors import UserError
from loaders.python_functions import results, worker
from loaders.python_functions.registry import PythonFunction, load, python_functions
from tests.pytest.conftest import Commands, create_database, drop_database
from tests.pytest.functions.cases import ARGUMENTS
from tests.pytest.warm import WarmCommands

# the built databases are shared by the tests of this file
pytestmark = pytest.mark.xdist_group("python_functions")

BUILD = ("build", "--select", "resource_type:function")


def offers_python(server: settings.DatabaseSettings) -> bool:
    with psycopg.connect(replace(server, dbname="postgres").url()) as link:
        row = link.execute(
            "select from pg_available_extensions where name = 'plpython3u'"
        ).fetchone()
        return row is not None


@pytest.fixture(scope="module")
def precomputed(
    postgres_server: settings.DatabaseSettings,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Commands]:
    """A database whose functions read precomputed results."""
    found = create_database(postgres_server)
    commands = WarmCommands(found, tmp_path_factory.mktemp("ways"))
    assert "python functions: precomputed (forced)" in build(commands, "precomputed")
    yield commands
    drop_database(found)


@pytest.fixture(scope="module")
def in_database(
    postgres_server: settings.DatabaseSettings,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Commands]:
    """A database that runs the functions itself."""
    server = postgres_server
    if not offers_python(server):
        url = os.environ.get("RIDERRA_TEST_POSTGRES15_URL")
        if not url:
            pytest.skip("no server with plpython3u: set RIDERRA_TEST_POSTGRES15_URL")
        server = settings.parse_database_url(url)
    found = create_database(server)
    commands = WarmCommands(found, tmp_path_factory.mktemp("ways"))
    assert "python functions: in_database" in build(commands, "auto")
    yield commands
    drop_database(found)


def build(commands: Commands, way: str) -> str:
    done = commands.dbt(
        *BUILD, check=True, RIDERRA_PYTHON_FUNCTIONS=way, RIDERRA_CREATE_LIVE_TABLES="true"
    )
    return done.stdout


def make_arguments(link: psycopg.Connection, function: PythonFunction) -> None:
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
        for name, kind in zip(function.arguments, function.argument_types, strict=True)
    )
    link.execute(sql.SQL("create table {} ({})").format(sql.Identifier(function.name), columns))
    nothing = [(None,) * len(function.arguments)]
    with link.cursor() as cursor:
        statement = sql.SQL("copy {} from stdin").format(sql.Identifier(function.name))
        with cursor.copy(statement) as copy:
            for row in ARGUMENTS[function.name] + nothing:
                copy.write_row(row)


def call_all(link: psycopg.Connection, function: PythonFunction, table: str) -> None:
    arguments = sql.SQL(", ").join(map(sql.Identifier, function.arguments))
    link.execute(
        sql.SQL("create table {} as select {}, {}({}) as result from {}").format(
            sql.Identifier(table),
            arguments,
            sql.Identifier("functions", function.name),
            arguments,
            sql.Identifier(function.name),
        )
    )


def test_workers_may_run_the_functions(in_database: Commands) -> None:
    with psycopg.connect(in_database.database.url(), autocommit=True) as link:
        link.execute(
            "create table cells as select '8 916 ' || lpad(number::text, 7, '0') as raw "
            "from generate_series(1, 20000) as number; analyze cells; "
            "set min_parallel_table_scan_size = 0; set parallel_setup_cost = 0"
        )
        plan = link.execute(
            "explain create table parsed as select functions.parse_phone(raw, 'RU') from cells"
        ).fetchall()
        assert any("Gather" in line for (line,) in plan), plan


def test_both_ways_give_equal_tables(in_database: Commands) -> None:
    database = in_database.database
    with psycopg.connect(database.url(), autocommit=True) as link:
        for name, function in python_functions().items():
            make_arguments(link, function)
            call_all(link, function, f"{name}_in_database")
        assert "python functions: precomputed" in build(in_database, "precomputed")
        for name, function in python_functions().items():
            results.add_results(database, name, ARGUMENTS[name])
            call_all(link, function, f"{name}_precomputed")
            for one, other in (("in_database", "precomputed"), ("precomputed", "in_database")):
                different = link.execute(
                    sql.SQL(
                        "select count(*) from (select * from {} except all select * from {}) x"
                    ).format(sql.Identifier(f"{name}_{one}"), sql.Identifier(f"{name}_{other}"))
                ).fetchone()
                assert different == (0,), name
            filled = link.execute(
                sql.SQL("select count(*) from {} where result is not null").format(
                    sql.Identifier(f"{name}_precomputed")
                )
            ).fetchone()
            assert filled == (len(ARGUMENTS[name]),), name


def test_precomputed_answers_are_those_of_the_files(precomputed: Commands) -> None:
    database = precomputed.database
    with psycopg.connect(database.url(), autocommit=True) as link:
        for name, function in python_functions().items():
            assert results.add_results(database, name, ARGUMENTS[name]) == len(set(ARGUMENTS[name]))
            assert results.add_results(database, name, ARGUMENTS[name]) == 0
            make_arguments(link, function)
            call_all(link, function, f"{name}_precomputed")
            rows = link.execute(
                sql.SQL("select * from {}").format(sql.Identifier(f"{name}_precomputed"))
            ).fetchall()
            for *arguments, result in rows:
                expected: Any = load(name)(*arguments)
                assert (str(result) if name == "uuid_v5" and result else result) == expected


def test_missing_and_outdated_results_are_errors(precomputed: Commands) -> None:
    database = precomputed.database
    call = "select functions.parse_phone('+7 916 123-45-77', 'RU')"
    with psycopg.connect(database.url(), autocommit=True) as link:
        with pytest.raises(psycopg.Error, match="dlt pipeline python_functions run") as caught:
            link.execute(call)
        assert "916" not in str(caught.value)
        assert link.execute("select functions.parse_phone(null, 'RU')").fetchone() == (None,)

        # noted versions equal dbt's own: the functions go on reading results
        results.add_results(database, "parse_phone", [("+7 916 123-45-77", "RU")])
        build(precomputed, "precomputed")
        assert link.execute(call).fetchone() != (None,)

        # the results of another version of the file: refused, then thrown away
        link.execute("update python_functions.function_versions set version = 'older'")
        build(precomputed, "precomputed")
        with pytest.raises(psycopg.Error, match=r"older functions/parse_phone\.py"):
            link.execute(call)
        results.drop_stale_results(link)
        left = link.execute("select count(*) from python_functions.parse_phone_results").fetchone()
        assert left == (0,)


def test_a_forced_way_that_cannot_be_is_refused(
    precomputed: Commands, postgres_server: settings.DatabaseSettings
) -> None:
    if offers_python(postgres_server):
        pytest.skip("this server can")
    done = precomputed.dbt(
        *BUILD, RIDERRA_PYTHON_FUNCTIONS="in_database", RIDERRA_CREATE_LIVE_TABLES="true"
    )
    assert done.returncode != 0
    assert "the server does not offer plpython3u" in done.stdout


def test_a_failing_function_names_no_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: str) -> None:
        raise ValueError(arguments)

    monkeypatch.setattr(worker, "load", lambda name: broken)
    with pytest.raises(UserError, match="ValueError on the arguments with hash 42") as caught:
        worker.compute("parse_email", [("42", "vera@example.com")])
    assert "vera" not in str(caught.value)


def test_a_thousand_times_more_rows_use_all_cores(database: settings.DatabaseSettings) -> None:
    count = results.POOL_FROM_ROWS + 500
    with psycopg.connect(database.url(), autocommit=True) as link:
        link.execute(
            "create schema python_functions; "
            "create table python_functions.name_skeleton_results "
            "(args_hash uuid primary key, result text); "
            "create table python_functions.uuid_v5_results "
            "(args_hash uuid primary key, result uuid)"
        )
        link.execute(
            sql.SQL(
                "create table tokens as select 'Иван' || n as token from generate_series(1, {}) n; "
                "create table names as select 'planfix:1' as name"
            ).format(sql.Literal(count))
        )
        said: list[str] = []
        asked = {"name_skeleton": "tokens", "uuid_v5": "names"}
        assert results.fill(database, asked, said.append) == {"name_skeleton": count, "uuid_v5": 1}
        assert f"name_skeleton: {count:,} of {count:,}" in said
        assert results.fill(database, asked, said.append) == {"name_skeleton": 0, "uuid_v5": 0}
        wrong = link.execute(
            "select count(*) from python_functions.name_skeleton_results "
            "where result !~ '^ivan[0-9]+$'"
        ).fetchone()
        assert wrong == (0,)
        left = link.execute(
            "select count(*) from information_schema.tables where table_name like '%missing%'"
        ).fetchone()
        assert left == (0,)

        # a process that cannot go on says why, and what it was asked for stays out of it
        link.execute(
            "truncate python_functions.name_skeleton_results; "
            "alter table python_functions.name_skeleton_results add check (length(result) < 5)"
        )
        with pytest.raises(UserError, match="PostgreSQL refused a result, SQLSTATE 23514"):
            results.fill(database, asked)


def test_request_models_are_answered(commands: Commands, link: psycopg.Connection) -> None:
    """The whole step, as the extract ends with it, over raw data as a loader writes it."""
    build(commands, "precomputed")
    link.execute(
        "insert into planfix_raw._dlt_loads (load_id, schema_name, status, inserted_at, "
        "schema_version_hash) values ('1', 'planfix', 0, now(), 'x')"
    )
    link.execute(
        "insert into planfix_raw.contacts (_dlt_load_id, _dlt_id, id, is_company, custom_fields, "
        "run_id, fetched_at, payload) values ('1', 'a', 41, false, '{}', 'r', now(), %s)",
        [
            Jsonb(
                {
                    "id": 41,
                    "name": "Вера",
                    "lastname": "Тутова",
                    "isCompany": False,
                    "email": "vera@example.com",
                    "phones": [{"number": "8 916 123-45-67", "type": 1}],
                }
            )
        ],
    )
    # as on the first run of all: neither result tables nor noted versions
    link.execute("drop schema python_functions cascade")
    done = commands.dlt(
        "pipeline", "python_functions", "run", check=True, RIDERRA_PYTHON_FUNCTIONS="precomputed"
    )
    assert "916" not in done.stdout + done.stderr
    found = link.execute(
        "select result -> 0 ->> 'e164' from python_functions.parse_phone_results"
    ).fetchall()
    assert ("+79161234567",) in found

    # the models join the answers: a missing one is an error there too
    link.execute("truncate python_functions.parse_email_results")
    points = ("int_contact_points__decided", "int_contact_points__parsed")
    done = commands.dbt("run", "--select", *points, RIDERRA_PYTHON_FUNCTIONS="precomputed")
    assert done.returncode != 0
    assert "parse_email has no result" in done.stdout
    assert "dlt pipeline python_functions run" in done.stdout
    assert "vera" not in done.stdout
