"""The embedded server: outlives its starter, keeps its data, touches no other server."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from loaders import database as server
from loaders import settings
from tests.pytest.conftest import PROJECT


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("RIDERRA_LOCAL_DIR", str(tmp_path))
    return tmp_path


def test_server_survives_the_command_that_started_it_and_keeps_its_data(local: Path) -> None:
    program = "from loaders import database; database.start()"
    subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, check=True, env=dict(os.environ), timeout=90
    )
    try:
        found = settings.embedded_database()
        assert found is not None
        assert found.host == "127.0.0.1"
        assert stat.S_IMODE(settings.embedded_connection_file().stat().st_mode) == 0o600
        with server.connect(found, autocommit=True) as link:
            assert server.is_embedded(link)
            link.execute("create table kept as select 1 as one")
        assert server.stop()
        assert not server.stop()
        again = server.start()
        with server.connect(again) as link:
            assert link.execute("select one from kept").fetchone() == (1,)
    finally:
        server.clean()
    assert not (local / "postgres").exists()


def test_server_refuses_without_the_password(postgres_server: settings.DatabaseSettings) -> None:
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(
            host=postgres_server.host,
            port=postgres_server.port,
            user=postgres_server.user,
            dbname="postgres",
            password="",
        )


def test_stop_leaves_a_server_of_somebody_else_alone(
    local: Path, postgres_server: settings.DatabaseSettings
) -> None:
    assert not server.stop()
    server.clean()
    with psycopg.connect(postgres_server.url().replace("/riderra", "/postgres")) as link:
        assert link.execute("select 1").fetchone() == (1,)
