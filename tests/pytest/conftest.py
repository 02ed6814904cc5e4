"""Servers, databases, simulator and command runners shared by all tests.

Every test gets a database of its own on a throw-away embedded PostgreSQL (one per test run,
see session.py); `RIDERRA_TEST_POSTGRES_URL` names an administrator's URL of another server to use
instead. Nothing here touches the server that `make demo` started.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from psycopg import sql

from loaders import database as embedded
from loaders import settings
from tests.pytest import session

PROJECT = settings.PROJECT_ROOT
BIN = Path(sys.executable).parent
# a parse needs no server
NOWHERE = settings.DatabaseSettings("127.0.0.1", 1, "nobody", "", "nowhere")

# settings of the person who runs the tests must not reach them
FOREIGN = (
    "DATABASE_URL",
    "MAPPING_DIR",
    *settings.PG_VARIABLES,
    *(name for name in os.environ if name.startswith(("PLANFIX_", "DBT_", "RIDERRA_SET_"))),
)
for _name in FOREIGN:
    os.environ.pop(_name, None)
# a test that forgets to name a folder must not find the one of `make demo`
os.environ["RIDERRA_LOCAL_DIR"] = str(Path(tempfile.gettempdir()) / "riderra-no-such-folder")


@contextlib.contextmanager
def local_dir(folder: Path) -> Iterator[None]:
    """Lets the project's own files, the embedded server's among them, stay below `folder`."""
    previous = os.environ["RIDERRA_LOCAL_DIR"]
    os.environ["RIDERRA_LOCAL_DIR"] = str(folder)
    try:
        yield
    finally:
        os.environ["RIDERRA_LOCAL_DIR"] = previous


def pytest_configure() -> None:
    """Makes the folder that the workers share."""
    session.begin()
    # a tool that a test calls in this process must not look for a profile of the user
    os.environ["DBT_PROFILES_DIR"] = str(profiles_dir(session.folder()))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts tests that need a finished migration where it is there already.

    One process makes it, from the start; what others do meanwhile takes about as long, and what
    comes after is many small tests, so that at the end no process waits long for another.
    """

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        group = item.get_closest_marker("xdist_group")
        if group and group.args == ("main_job",):
            return 0
        if folder == "e2e":
            return 2
        return 1 if folder in {"matching", "functions", "archive", "dbt"} else 3

    items.sort(key=place)


def pytest_unconfigure() -> None:
    """Takes away what the workers shared; they are gone by then."""
    if not session.is_owner():
        return
    url = os.environ.get("RIDERRA_TEST_POSTGRES_URL")
    for name in session.databases() if url else []:
        drop_database(replace(settings.parse_database_url(str(url)), dbname=name))
    with local_dir(session.folder() / "server"):
        embedded.clean()
    session.end()


def profiles_dir(folder: Path) -> Path:
    """Returns a folder with the project's profile."""
    made = folder / "profiles"
    made.mkdir(parents=True, exist_ok=True)
    if not (made / "profiles.yml").exists():
        # whole or not at all: another process may read it
        copied = shutil.copy(PROJECT / "profiles.example.yml", made / f"{uuid.uuid4().hex}.new")
        Path(copied).replace(made / "profiles.yml")
    return made


def start_server() -> dict[str, Any]:
    """Starts the server of this run."""
    with local_dir(session.folder() / "server"):
        found = embedded.start()
    # killed processes lose nothing by it, only a killed machine would
    with psycopg.connect(found.url(), autocommit=True) as link:
        link.execute("alter system set fsync = off")
        link.execute("alter system set full_page_writes = off")
        link.execute("select pg_reload_conf()")
    return asdict(found)


@pytest.fixture(scope="session")
def postgres_server() -> settings.DatabaseSettings:
    """A server on which databases can be created: embedded PostgreSQL 18 by default."""
    url = os.environ.get("RIDERRA_TEST_POSTGRES_URL")
    if url:
        return settings.parse_database_url(url)
    return settings.DatabaseSettings(**session.once("server", start_server))


def create_database(
    server: settings.DatabaseSettings, template: str = "template0"
) -> settings.DatabaseSettings:
    """Creates a database with a random name; the caller drops it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    statement = sql.SQL("create database {} template {}").format(
        sql.Identifier(name), sql.Identifier(template)
    )
    with psycopg.connect(replace(server, dbname="postgres").url(), autocommit=True) as link:
        # a cluster may have been made with locale C, which cannot fold Cyrillic
        if template == "template0" and link.info.server_version < 170000:
            statement += sql.SQL(" encoding 'UTF8' locale 'C.UTF-8'")
        link.execute(statement)
    return replace(server, dbname=name)


def drop_database(found: settings.DatabaseSettings) -> None:
    """Drops a database, ending the sessions that a killed process may have left."""
    with psycopg.connect(replace(found, dbname="postgres").url(), autocommit=True) as link:
        link.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(found.dbname))
        )


@pytest.fixture
def database(postgres_server: settings.DatabaseSettings) -> Iterator[settings.DatabaseSettings]:
    """An empty database of the test's own."""
    found = create_database(postgres_server)
    yield found
    drop_database(found)


@pytest.fixture
def link(database: settings.DatabaseSettings) -> Iterator[psycopg.Connection]:
    """An autocommit connection to the test's database."""
    with psycopg.connect(database.url(), autocommit=True) as connection:
        yield connection


@dataclass
class SimulatorHandle:
    """A running simulator.

    Attributes:
        base_url: address of its REST API, ending in `/rest/`.
        token: bearer token it accepts.
        process: its process.
    """

    base_url: str
    token: str
    process: subprocess.Popen[str]

    @property
    def root(self) -> str:
        """Address of the server without the API's path."""
        return self.base_url.removesuffix("/rest/").removesuffix("/rest")

    def control(self, action: str, **values: Any) -> Any:
        """Calls a control endpoint and returns its JSON."""
        reply = requests.post(f"{self.root}/__simulator__/{action}", json=values, timeout=60)
        reply.raise_for_status()
        return reply.json()

    def environment(self) -> dict[str, str]:
        """Settings that point the extractor at this simulator, unpaced."""
        return {
            "PLANFIX_BASE_URL": self.base_url,
            "PLANFIX_TOKEN": self.token,
            "PLANFIX_REQUESTS_PER_SECOND": "1000",
        }

    def stop(self) -> None:
        """Ends the process."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)


def start_simulator(
    *, size: int, seed: int, folder: Path, sample: bool = False, **switches: Any
) -> SimulatorHandle:
    """Starts `python -m simulator serve` and waits until it answers."""
    port_file = folder / f"simulator-{uuid.uuid4().hex[:8]}.port"
    arguments = [sys.executable, "-m", "simulator", "serve"]
    arguments += ["--size", str(size), "--seed", str(seed), "--port-file", str(port_file)]
    if sample:
        arguments.append("--sample")
    for name, value in switches.items():
        arguments += ["--switch", f"{name}={value}"]
    log = (folder / f"{port_file.stem}.log").open("w", encoding="utf-8")
    process = subprocess.Popen(
        arguments, cwd=PROJECT, stdout=log, stderr=subprocess.STDOUT, text=True
    )
    end = time.monotonic() + 120
    while not (port_file.exists() and port_file.read_text().strip()):
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            raise RuntimeError(f"the simulator did not start: {Path(log.name).read_text()}")
        time.sleep(0.05)
    port = port_file.read_text().strip()
    return SimulatorHandle(f"http://127.0.0.1:{port}/rest/", "simulator-token", process)


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Callable[..., SimulatorHandle]]:
    """Starts simulators: `simulator(size=200, seed=3, switch=value …)`."""
    running: list[SimulatorHandle] = []

    def start(size: int = 120, seed: int = 1, **switches: Any) -> SimulatorHandle:
        handle = start_simulator(size=size, seed=seed, folder=tmp_path, **switches)
        running.append(handle)
        return handle

    yield start
    for handle in running:
        handle.stop()


@dataclass
class Commands:
    """Runs the project's commands as a user would, each with folders of its own.

    Attributes:
        database: the database they use.
        folder: where their state, logs and artifacts go.
        extra: further environment variables.
    """

    database: settings.DatabaseSettings
    folder: Path
    extra: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """Environment of every command."""
        kept = {key: value for key, value in os.environ.items() if key not in FOREIGN}
        return {
            **kept,
            "DATABASE_URL": self.database.url(),
            "DBT_PROFILES_DIR": str(profiles_dir(self.folder)),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "RIDERRA_LOCAL_DIR": str(self.folder / "local"),
            **self.extra,
        }

    def run(
        self, *arguments: str, check: bool = False, timeout: float = 900, **extra: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command of the virtual environment and returns its result."""
        done = subprocess.run(
            [str(BIN / arguments[0]), *arguments[1:]],
            cwd=PROJECT,
            env={**self.environment(), **extra},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(
                f"{' '.join(arguments)} ended with {done.returncode}\n"
                f"{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
            )
        return done

    def dbt(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Runs dbt."""
        return self.run("dbt", *arguments, **options)

    def dlt(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Runs dlt."""
        return self.run("dlt", *arguments, **options)

    def start(self, *arguments: str, **extra: str) -> subprocess.Popen[str]:
        """Starts a command without waiting, in a process group of its own."""
        log = (self.folder / f"background-{uuid.uuid4().hex[:6]}.log").open("w", encoding="utf-8")
        return subprocess.Popen(
            [str(BIN / arguments[0]), *arguments[1:]],
            cwd=PROJECT,
            env={**self.environment(), **extra},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def kill_group(process: subprocess.Popen[str]) -> None:
    """Kills a started command and its children with SIGKILL."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)


def parsed(target: str = "dev") -> Path:
    """Returns the folder of dbt's parse result for a target, made once for all workers."""

    def parse() -> str:
        folder = session.folder() / f"parsed-{target}"
        # the default target is not named: dbt takes the result only for the same arguments
        named = [] if target == "dev" else ["--target", target]
        Commands(NOWHERE, folder).dbt("parse", "--quiet", *named, check=True)
        return str(folder / "target")

    return Path(session.once(f"parsed-{target}", parse))


@pytest.fixture
def commands(database: settings.DatabaseSettings, tmp_path: Path) -> Commands:
    """The project's commands on the test's own database."""
    from tests.pytest.warm import WarmCommands

    return WarmCommands(database, tmp_path)
