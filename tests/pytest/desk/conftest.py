"""A database with queues, a desk that runs as a user starts it, and a real browser."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
import websocket
from werkzeug.serving import make_server

from desk.access import Doors
from desk.app import create_app
from desk.store import Store
from loaders import settings
from tests.pytest.conftest import PROJECT, create_database, drop_database

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
REVIEWERS = ("anna", "boris", "olga")


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
    links = {name: f"http://{root}/enter?token={doors.link(name)}" for name in REVIEWERS}
    yield Desk(f"http://{root}", links)
    server.shutdown()
    server.server_close()
    thread.join(10)


class Browser:
    """A page in headless Chromium, driven by its own protocol."""

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(
            address, timeout=30, suppress_origin=True, http_no_proxy=["127.0.0.1"]
        )
        self._number = 0
        self.requests: list[str] = []
        self.problems: list[str] = []
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") == "Network.requestWillBeSent":
            self.requests.append(event["params"]["request"]["url"])
        elif event.get("method") == "Page.javascriptDialogOpening":
            self.problems.append("dialog")
        elif event.get("method") == "Runtime.exceptionThrown":
            self.problems.append(str(event["params"]))
        elif event.get("method") == "Log.entryAdded":
            self.problems.append(str(event["params"]["entry"]["text"]))

    def call(self, method: str, **values: Any) -> dict[str, Any]:
        """Calls the browser and returns its answer."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": values}))
        while True:
            event = json.loads(self._socket.recv())
            if event.get("id") == self._number:
                assert "error" not in event, event
                return dict(event["result"])
            self._note(event)

    def run(self, script: str) -> Any:
        """Runs a script in the page and returns its value."""
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get(
            "value"
        )

    def wait(self, script: str, seconds: float = 20) -> Any:
        """Waits until a script gives something true, and returns it."""
        end = time.monotonic() + seconds
        while True:
            found = self.run(script)
            if found:
                return found
            assert time.monotonic() < end, f"never true: {script}"
            time.sleep(0.05)

    def open(self, address: str) -> None:
        """Goes to an address and waits until the page is there."""
        self.run("window.left = true")
        self.call("Page.navigate", url=address)
        self.wait("window.left === undefined && document.readyState === 'complete'")

    def press(self, key: str) -> None:
        """Presses a key and waits for the page that follows."""
        self.run("window.left = true")
        text = {"Enter": "\r"}.get(key, key)
        code = {"windowsVirtualKeyCode": 13} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=text, **code)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def press_and_follow(self, key: str) -> None:
        """Presses a key that leads to another page."""
        self.press(key)
        self.wait("window.left === undefined && document.readyState === 'complete'")

    def text(self) -> str:
        """Returns what the page shows."""
        return str(self.run("document.body.innerText"))


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """Headless Chromium with a profile of its own."""
    if CHROMIUM is None:
        pytest.fail("chromium is needed for these tests: apt-get install chromium")
    process = subprocess.Popen(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--remote-debugging-port=0",
            f"--user-data-dir={tmp_path / 'profile'}",
            "about:blank",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        note = tmp_path / "profile" / "DevToolsActivePort"
        end = time.monotonic() + 60
        while not (note.exists() and len(note.read_text().splitlines()) == 2):
            assert time.monotonic() < end, "chromium did not start"
            assert process.poll() is None, "chromium ended"
            time.sleep(0.05)
        port = note.read_text().splitlines()[0]
        local = requests.Session()
        local.trust_env = False
        pages = local.get(f"http://127.0.0.1:{port}/json", timeout=20).json()
        page = next(page for page in pages if page["type"] == "page")
        yield Browser(page["webSocketDebuggerUrl"])
    finally:
        process.terminate()
        process.wait(20)
