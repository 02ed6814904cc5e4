"""A database with queues, a desk that runs as a user starts it, and a real browser."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from werkzeug.serving import make_server

from desk.access import Doors
from desk.app import create_app
from desk.store import Store
from loaders import settings
from tests.pytest.chromium import browser, running_browser
from tests.pytest.conftest import PROJECT, create_database, drop_database

__all__ = ["browser", "running_browser"]
REVIEWERS = ("anna", "boris", "olga", "mallory")
NAMES = {"mallory": '"\'><script>document.title="owned"</script>'}


@pytest.fixture(scope="module")
def own_database(
    postgres_server: settings.DatabaseSettings,
) -> Iterator[settings.DatabaseSettings]:
    """One database for the module; a new one for each test costs a checkpoint each."""
    found = create_database(postgres_server)
    yield found
    drop_database(found)


@pytest.fixture
def queues(own_database: settings.DatabaseSettings) -> settings.DatabaseSettings:
    """The database with fresh queues, on which a test may decide."""
    statements = (Path(__file__).parent / "queues.pgsql").read_text(encoding="utf-8")
    with psycopg.connect(own_database.url(), autocommit=True) as link:
        link.execute(
            "drop schema if exists intermediate, quality, staging, migration, publish cascade"
        )
        link.execute(statements.encode())
    return own_database


@pytest.fixture
def rows(queues: settings.DatabaseSettings) -> Callable[..., list[tuple[Any, ...]]]:
    """Runs a statement in the queues' database and returns its rows."""

    def run(statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(queues.url(), autocommit=True) as link:
            cursor = link.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    return run


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    """A mapping folder of the test's own."""
    folder = tmp_path / "mapping"
    shutil.copytree(PROJECT / "seeds" / "mapping", folder)
    return folder


@dataclass
class Desk:
    """A running desk.

    Attributes:
        root: its address.
        links: one-time link per reviewer.
    """

    root: str
    links: dict[str, str]

    def enter(self, reviewer: str) -> requests.Session:
        """Opens the reviewer's link as a browser would."""
        browser = requests.Session()
        browser.trust_env = False
        reply = browser.get(self.links[reviewer], timeout=20)
        assert reply.status_code == 200, reply.text
        return browser


@pytest.fixture
def desk(
    queues: settings.DatabaseSettings, mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """The desk for two reviewers and an owner."""
    monkeypatch.setenv("MAPPING_DIR", str(mapping))
    hosts: set[str] = set()
    doors = Doors()
    app = create_app(Store(queues), doors, hosts, frozenset({"olga"}))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    root = f"127.0.0.1:{server.server_port}"
    hosts.add(root)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    links = {
        name: f"http://{root}/enter?token={doors.link(NAMES.get(name, name))}" for name in REVIEWERS
    }
    yield Desk(f"http://{root}", links)
    server.shutdown()
    server.server_close()
    thread.join(10)
