"""Settings of every command: environment variables, then `.env`, then the embedded server.

`.env.example` lists all settings. A wrong or missing one is named in one line by a
`SettingsError`; values of secrets are never printed.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from dotenv import dotenv_values

from loaders.errors import SettingsError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
PG_VARIABLES = ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSSLMODE")


def local_dir() -> Path:
    """Returns the git-ignored folder for everything that `make` creates."""
    return Path(os.environ.get("RIDERRA_LOCAL_DIR", str(PROJECT_ROOT / ".local")))


def load_dotenv() -> None:
    """Reads `.env` of the project into the environment; real variables win."""
    path = PROJECT_ROOT / ".env"
    if not path.is_file():
        return
    for name, value in dotenv_values(path).items():
        if value and name not in os.environ:
            os.environ[name] = value


@dataclass(frozen=True)
class DatabaseSettings:
    """Where the one database of the migration is.

    Attributes:
        host: host name, address or socket folder.
        port: TCP port.
        user: role that runs the migration.
        password: its password, may be empty (peer, .pgpass).
        dbname: database name.
        sslmode: libpq's sslmode, empty for libpq's default.
        is_embedded: true for the server this project started itself.
    """

    host: str
    port: int
    user: str
    password: str
    dbname: str
    sslmode: str = ""
    is_embedded: bool = False

    def url(self, *, with_password: bool = True) -> str:
        """Returns a libpq URL, by default with the password in it."""
        secret = f":{quote(self.password, safe='')}" if with_password and self.password else ""
        suffix = f"?sslmode={self.sslmode}" if self.sslmode else ""
        host = quote(self.host, safe="") if self.host.startswith("/") else self.host
        return (
            f"postgresql://{quote(self.user, safe='')}{secret}@{host}:{self.port}"
            f"/{quote(self.dbname, safe='')}{suffix}"
        )

    def environment(self) -> dict[str, str]:
        """Returns the PG* variables (and DATABASE_URL) that make any client use it."""
        values = {
            "DATABASE_URL": self.url(),
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGPASSWORD": self.password,
            "PGDATABASE": self.dbname,
        }
        if self.sslmode:
            values["PGSSLMODE"] = self.sslmode
        return values


def parse_database_url(url: str) -> DatabaseSettings:
    """Parses `DATABASE_URL`.

    Raises:
        SettingsError: when it is not `postgresql://user:password@host:port/database`.
    """
    hint = "write it as postgresql://user:password@host:5432/database"
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError as error:
        raise SettingsError(f"DATABASE_URL is malformed: {hint}.") from error
    if parts.scheme not in {"postgres", "postgresql"}:
        raise SettingsError(f"DATABASE_URL is not a PostgreSQL URL: {hint}.")
    dbname = unquote(parts.path.lstrip("/"))
    if not parts.hostname or not dbname or not parts.username:
        raise SettingsError(f"DATABASE_URL lacks a user, host or database name: {hint}.")
    sslmode = ""
    for pair in parts.query.split("&"):
        key, _, value = pair.partition("=")
        if key == "sslmode":
            sslmode = value
    return DatabaseSettings(
        host=unquote(parts.hostname),
        port=port,
        user=unquote(parts.username),
        password=unquote(parts.password or ""),
        dbname=dbname,
        sslmode=sslmode,
    )


def embedded_connection_file() -> Path:
    """Returns the file in which the embedded server notes its port and password."""
    return local_dir() / "postgres" / "connection.json"


def embedded_database() -> DatabaseSettings | None:
    """Returns the embedded server's settings, or None when it was never started."""
    path = embedded_connection_file()
    if not path.is_file():
        return None
    noted = json.loads(path.read_text(encoding="utf-8"))
    return DatabaseSettings(
        host="127.0.0.1",
        port=int(noted["port"]),
        user=noted["user"],
        password=noted["password"],
        dbname=noted["dbname"],
        is_embedded=True,
    )


def configured_database() -> DatabaseSettings | None:
    """Returns the database named by DATABASE_URL or PG*, or None when none is named."""
    url = os.environ.get("DATABASE_URL", "").strip()
    embedded = embedded_database()
    if url:
        settings = parse_database_url(url)
    elif os.environ.get("PGDATABASE") or os.environ.get("PGHOST"):
        missing = [name for name in ("PGDATABASE", "PGUSER") if not os.environ.get(name)]
        if missing:
            raise SettingsError(
                f"{' and '.join(missing)} is not set: give all of PGHOST, PGUSER, PGPASSWORD "
                "and PGDATABASE, or DATABASE_URL instead."
            )
        port = os.environ.get("PGPORT", "5432")
        if not port.isdigit():
            raise SettingsError("PGPORT is not a number: give the server's TCP port, e.g. 5432.")
        settings = DatabaseSettings(
            host=os.environ.get("PGHOST", "localhost"),
            port=int(port),
            user=os.environ["PGUSER"],
            password=os.environ.get("PGPASSWORD", ""),
            dbname=os.environ["PGDATABASE"],
            sslmode=os.environ.get("PGSSLMODE", ""),
        )
    else:
        return None
    if embedded and (settings.host, settings.port, settings.dbname) == (
        embedded.host,
        embedded.port,
        embedded.dbname,
    ):
        return embedded
    return settings


def database() -> DatabaseSettings:
    """Returns the database in use: DATABASE_URL, else PG*, else the embedded server.

    Raises:
        SettingsError: when none is configured and no embedded server was started.
    """
    load_dotenv()
    settings = configured_database() or embedded_database()
    if settings is None:
        raise SettingsError(
            "no database: set DATABASE_URL (or PGHOST, PGUSER, PGPASSWORD, PGDATABASE) in the "
            "environment or in .env, or run `make demo` to start the embedded server."
        )
    return settings
