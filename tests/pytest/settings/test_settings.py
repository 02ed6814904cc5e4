"""Settings: one line for a wrong or missing one, never a secret, never the wrong database."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from loaders import database as server
from loaders import migrate, settings
from loaders.errors import DatabaseError, SettingsError
from tests.pytest.conftest import FOREIGN, PROJECT, Commands


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No embedded server and no .env of the developer is seen."""
    monkeypatch.setenv("RIDERRA_LOCAL_DIR", str(tmp_path))
    monkeypatch.setattr(settings, "load_dotenv", lambda: None)


text = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20
)


@given(user=text, password=text, dbname=text, port=st.integers(1, 65535))
def test_url_survives_a_round_trip(user: str, password: str, dbname: str, port: int) -> None:
    found = settings.DatabaseSettings("db.example", port, user, password, dbname, "require")
    assert settings.parse_database_url(found.url()) == found


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://u:p@db.example/crm", "not a PostgreSQL URL"),
        ("postgresql://u:p@db.example", "lacks a user, host or database"),
        ("postgresql://db.example/crm", "lacks a user, host or database"),
        ("postgresql://u:p@db.example:port/crm", "malformed"),
        ("crm", "not a PostgreSQL URL"),
    ],
)
def test_malformed_url_is_named_without_its_password(url: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.parse_database_url(url)
    assert says in str(caught.value)
    assert "DATABASE_URL" in str(caught.value)
    assert ":p@" not in str(caught.value)


def test_half_of_pg_variables_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    with pytest.raises(SettingsError, match="PGDATABASE and PGUSER"):
        settings.configured_database()


def test_port_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGHOST": "h", "PGUSER": "u", "PGDATABASE": "d", "PGPORT": "x"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="PGPORT"):
        settings.configured_database()


def test_without_any_database_it_says_what_to_do() -> None:
    with pytest.raises(SettingsError, match="make demo"):
        settings.database()


def test_wrong_password_is_one_line_without_the_password(
    postgres_server: settings.DatabaseSettings,
) -> None:
    wrong = replace(postgres_server, password="not-the-password", dbname="postgres")
    with pytest.raises(DatabaseError) as caught:
        server.connect(wrong)
    assert "not-the-password" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unreachable_server_is_one_line() -> None:
    nowhere = settings.DatabaseSettings("127.0.0.1", server.free_port(), "u", "p", "d")
    with pytest.raises(DatabaseError, match="cannot connect"):
        server.connect(nowhere)


def test_role_that_may_not_create_schemas_gets_the_grant_to_ask_for(
    database: settings.DatabaseSettings, link: psycopg.Connection
) -> None:
    role = f"reader_{database.dbname}"
    link.execute(sql.SQL("create role {} login password 'reader'").format(sql.Identifier(role)))
    try:
        with pytest.raises(DatabaseError, match="grant create on database"):
            server.check(replace(database, user=role, password="reader"))
    finally:
        link.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


def test_profile_takes_an_awkward_password_out_of_the_url(
    database: settings.DatabaseSettings, link: psycopg.Connection, commands: Commands
) -> None:
    role, password = f"odd_{database.dbname}", "p@ss:w/o?r#d%41 &'\"é"
    link.execute(
        sql.SQL("create role {} login superuser password {}").format(
            sql.Identifier(role), sql.Literal(password)
        )
    )
    try:
        odd = replace(database, user=role, password=password)
        done = commands.dbt("debug", "--connection", DATABASE_URL=odd.url())
        assert done.returncode == 0, done.stdout
        for name, value in replace(odd, host="127.0.0.1").environment().items():
            commands.extra[name] = value
        commands.extra["DATABASE_URL"] = ""
        assert commands.dbt("debug", "--connection").returncode == 0
    finally:
        link.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


def _migrate(command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if key not in FOREIGN}
    return subprocess.run(
        [sys.executable, "-m", "loaders.migrate", command],
        cwd=PROJECT,
        env={**kept, "RIDERRA_LOCAL_DIR": str(folder), **variables},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_demo_refuses_every_database_but_the_embedded_one(
    database: settings.DatabaseSettings, tmp_path: Path, link: psycopg.Connection
) -> None:
    done = _migrate("demo", tmp_path, DATABASE_URL=database.url())
    assert done.returncode == 2
    assert "sample data" in done.stderr
    assert database.password not in done.stderr
    assert link.execute("select 1 from pg_namespace where nspname like '%raw'").fetchone() is None


def test_missing_settings_of_migrate_are_listed_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert [line.split(" ")[0] for line in migrate.missing_settings()] == [
        "PLANFIX_BASE_URL",
        "DATABASE_URL",
    ]
    monkeypatch.setenv("PLANFIX_ACCOUNT", "example")
    assert next(line.split(":")[0] for line in migrate.missing_settings()) == "PLANFIX_TOKEN"
    monkeypatch.setenv("PLANFIX_TOKEN", "t")
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@h/d")
    assert migrate.missing_settings() == []
