"""The verbs behind the Makefile: demo, migrate, docs, lint, stop, clean.

Data flow: settings → database check → `dlt pipeline run` → `dbt build` → report and docs. Each
step is the command a user could type by hand; this module only sets the environment, runs them
in order and stops at the first that fails, with that command's exit code.

Run it as `python -m loaders.migrate demo|migrate|docs|lint|stop|clean`.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from loaders import database, settings
from loaders.errors import DatabaseError, SettingsError, SourceError, UserError

BIN = Path(sys.executable).parent
SAMPLE_TOKEN = "simulator-token"  # noqa: S105 - the bundled simulator's, not a secret
# lines of dbt that say that nothing is wrong; all of them are in logs/dbt.log
ROUTINE_LINE = re.compile(r" of \d+ (START|PASS|OK (loaded|created sql view|created function)) ")
SAMPLE = ("--sample", "--size", "2000", "--seed", "1")
SIMULATOR = (sys.executable, "-m", "simulator")


class StepFailedError(UserError):
    """A command ended with an exit code other than 0; it has said why itself."""

    def __init__(self, step: str, exit_code: int) -> None:
        super().__init__(f"{step} failed; nothing after it was run.")
        self.exit_code = exit_code if exit_code > 0 else 1


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _step(title: str, arguments: Sequence[str], environment: dict[str, str]) -> None:
    _say(f"\n== {title}")
    started = time.monotonic()
    code = subprocess.run(
        arguments, cwd=settings.PROJECT_ROOT, env=environment, stdin=subprocess.DEVNULL, check=False
    ).returncode
    if code != 0:
        raise StepFailedError(title, code)
    _say(f"   done in {time.monotonic() - started:.1f} s")


def _build(environment: dict[str, str]) -> None:
    """Runs `dbt build` and shows what it made and what failed, not each check that passed."""
    _say("\n== transform and publish (dbt build)")
    started = time.monotonic()
    with subprocess.Popen(
        [_tool("dbt"), "build", "--no-use-colors"],
        cwd=settings.PROJECT_ROOT,
        # unit tests judge the rules, not the account: `make test` has them
        env={"DBT_EXCLUDE_RESOURCE_TYPES": "unit_test", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            if not ROUTINE_LINE.search(line):
                sys.stdout.write(line)
                sys.stdout.flush()
    if process.returncode != 0:
        raise StepFailedError("dbt build", process.returncode)
    _say(f"   done in {time.monotonic() - started:.1f} s")


def _tool(name: str) -> str:
    return str(BIN / name)


def _environment(found: settings.DatabaseSettings, **extra: str) -> dict[str, str]:
    return {
        **os.environ,
        **found.environment(),
        "DBT_PROFILES_DIR": str(settings.PROJECT_ROOT),
        "DO_NOT_TRACK": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        **extra,
    }


def _run_migration(environment: dict[str, str]) -> None:
    """Extract, build, report, docs; the report is written also when a gate stopped the build."""
    _step("extract (dlt pipeline run)", [_tool("dlt"), "pipeline", "run"], environment)
    stopped: StepFailedError | None = None
    try:
        _build(environment)
    except StepFailedError as error:
        stopped = error
    _step("report", [sys.executable, "-m", "report"], environment)
    if stopped is None:
        _step(
            "mapping review (dbt docs generate --static)",
            # the build has compiled everything a moment ago
            [_tool("dbt"), "docs", "generate", "--static", "--no-compile", "--quiet"],
            environment,
        )
    _step("result", [sys.executable, "-m", "report", "summary"], environment)
    if stopped is not None:
        raise stopped


def _sample_dir() -> Path:
    return settings.local_dir() / "sample"


def _simulator_note() -> Path:
    return _sample_dir() / "simulator.json"


def _running_simulator() -> tuple[str, int] | None:
    """Returns base URL and process id of the simulator that demo started, if it still runs."""
    try:
        noted = json.loads(_simulator_note().read_text(encoding="utf-8"))
        process = psutil.Process(int(noted["pid"]))
        if abs(process.create_time() - float(noted["created"])) < 1:
            return str(noted["base_url"]), process.pid
    except (FileNotFoundError, ValueError, KeyError, psutil.Error):
        pass
    return None


def _noted_port(port_file: Path) -> int | None:
    try:
        return int(port_file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def _start_simulator() -> str:
    running = _running_simulator()
    if running:
        return running[0]
    folder = _sample_dir()
    folder.mkdir(parents=True, exist_ok=True)
    port_file = folder / "simulator.port"
    # the same address again where possible: the extractor's watermarks belong to an account
    port = database.free_port(_noted_port(port_file))
    port_file.unlink(missing_ok=True)
    with (folder / "simulator.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [
                *SIMULATOR,
                "serve",
                *SAMPLE,
                # the source's slow listing of comments shows nothing here but waiting
                "--switch",
                "comment_list_slowness=0",
                "--port",
                str(port),
                "--port-file",
                str(port_file),
                "--token",
                SAMPLE_TOKEN,
            ],
            cwd=settings.PROJECT_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    end = time.monotonic() + 60
    while not (port_file.exists() and port_file.read_text(encoding="utf-8").strip()):
        if process.poll() is not None or time.monotonic() > end:
            raise SourceError(f"the simulator did not start; see {folder / 'simulator.log'}.")
        time.sleep(0.05)
    base_url = f"http://127.0.0.1:{port_file.read_text(encoding='utf-8').strip()}/rest/"
    _simulator_note().write_text(
        json.dumps(
            {
                "base_url": base_url,
                "pid": process.pid,
                "created": psutil.Process(process.pid).create_time(),
            }
        ),
        encoding="utf-8",
    )
    return base_url


def _stop_simulator() -> bool:
    running = _running_simulator()
    _simulator_note().unlink(missing_ok=True)
    if running is None:
        return False
    os.kill(running[1], signal.SIGTERM)
    with contextlib.suppress(psutil.TimeoutExpired, psutil.NoSuchProcess):
        psutil.Process(running[1]).wait(10)
    return True


def demo() -> None:
    """Migrates the bundled sample account into the embedded server.

    Raises:
        SettingsError: when another database is named; sample data never leaves the embedded one.
    """
    named = settings.configured_database()
    if named is not None and not named.is_embedded:
        raise SettingsError(
            f"make demo writes sample data and only ever into the embedded server, but "
            f"{named.url(with_password=False)} is named by DATABASE_URL or PG*: unset it, or run "
            "`make migrate` to migrate your own account."
        )
    for name in [name for name in os.environ if name.startswith("PLANFIX_")]:
        del os.environ[name]
    os.environ.pop("MAPPING_DIR", None)
    os.environ.pop("DATABASE_URL", None)
    _say("== embedded PostgreSQL")
    found = database.start()
    database.write_profile()
    _say(f"   running, data in {settings.local_dir() / 'postgres'}")
    exports = _sample_dir() / "exports"
    base_url = _start_simulator()
    environment = _environment(
        found,
        PLANFIX_BASE_URL=base_url,
        PLANFIX_TOKEN=SAMPLE_TOKEN,
        PLANFIX_EXPORT_DIR=str(exports),
        # the simulator has no limit to respect
        PLANFIX_REQUESTS_PER_SECOND="1000",
    )
    if not exports.is_dir():
        _step(
            "sample account: export files",
            [*SIMULATOR, "export", *SAMPLE, "--dir", str(exports)],
            environment,
        )
    with database.connect(found) as link:
        has_crm = link.execute("select to_regclass('crm.users') is not null").fetchone()
    if not (has_crm and has_crm[0]):
        _step("sample account: CRM users and orders", [*SIMULATOR, "crm", *SAMPLE], environment)
    _run_migration(environment)


def missing_settings() -> list[str]:
    """Returns one sentence for each setting `make migrate` lacks."""
    missing = []
    has_account = os.environ.get("PLANFIX_BASE_URL") or os.environ.get("PLANFIX_ACCOUNT")
    has_exports = os.environ.get("PLANFIX_EXPORT_DIR")
    has_token = os.environ.get("PLANFIX_TOKEN")
    if not has_account and not has_exports:
        missing.append(
            "PLANFIX_BASE_URL (or PLANFIX_ACCOUNT) with PLANFIX_TOKEN, or PLANFIX_EXPORT_DIR: "
            "where to read the client base from"
        )
    if has_account and not has_token:
        missing.append("PLANFIX_TOKEN: the REST API token of the account")
    if has_token and not has_account:
        missing.append("PLANFIX_BASE_URL or PLANFIX_ACCOUNT: the account the token belongs to")
    if settings.configured_database() is None:
        missing.append("DATABASE_URL (or PGHOST, PGUSER, PGPASSWORD, PGDATABASE): where to write")
    return missing


def check_mapping(folder: Path) -> None:
    """Refuses a mapping folder that lacks a file or a column of seeds/mapping.

    Raises:
        SettingsError: with everything that is missing; what the rows say is tested by dbt.
    """
    if not folder.is_dir():
        raise SettingsError("MAPPING_DIR is not a folder: give your copy of seeds/mapping.")
    missing = []
    for sample in sorted((settings.PROJECT_ROOT / "seeds" / "mapping").glob("*.csv")):
        own = folder / sample.name
        if not own.is_file():
            missing.append(sample.name)
            continue
        lacking = set(_header(sample)) - set(_header(own))
        if lacking:
            missing.append(f"{sample.name}: column {', '.join(sorted(lacking))}")
    if missing:
        listed = "".join(f"\n  - {line}" for line in missing)
        raise SettingsError(
            f"MAPPING_DIR lacks what seeds/mapping has (a file may have no rows):{listed}"
        )


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        return next(csv.reader(lines), [])


def migrate() -> None:
    """Migrates the user's own account or export files into the user's own database.

    Raises:
        SettingsError: with the list of what is missing; nothing falls back to sample data.
    """
    settings.load_dotenv()
    missing = missing_settings()
    if missing:
        listed = "".join(f"\n  - {line}" for line in missing)
        raise SettingsError(
            f"these settings are missing (environment or .env, see .env.example):{listed}"
        )
    found = settings.database()
    database.check(found)
    database.check_live_tables(found)
    database.write_profile()
    mapping = os.environ.get("MAPPING_DIR")
    if mapping:
        folder = Path(mapping).expanduser().resolve()
        check_mapping(folder)
        os.environ["MAPPING_DIR"] = str(folder)
    else:
        _say(
            "note: MAPPING_DIR is not set, so the mapping of the sample account (seeds/mapping) is "
            "used; copy that folder, fit it to your account and name it there."
        )
    _run_migration(_environment(found))


def docs() -> None:
    """Writes the mapping review from the database in use."""
    found = settings.database()
    database.write_profile()
    _step(
        "mapping review",
        [_tool("dbt"), "docs", "generate", "--static", "--quiet"],
        _environment(found),
    )
    _say(f"   {settings.PROJECT_ROOT / 'target' / 'static_index.html'}")


@contextlib.contextmanager
def _scratch_server() -> Iterator[settings.DatabaseSettings]:
    """Starts a throw-away embedded server, so that checks need no database of the user."""
    with tempfile.TemporaryDirectory(prefix="riderra-") as folder:
        previous = os.environ.get("RIDERRA_LOCAL_DIR")
        os.environ["RIDERRA_LOCAL_DIR"] = folder
        try:
            yield database.start()
        finally:
            database.clean()
            if previous is None:
                del os.environ["RIDERRA_LOCAL_DIR"]
            else:
                os.environ["RIDERRA_LOCAL_DIR"] = previous


def lint() -> None:
    """Parses the dbt project with warnings as errors and lints its SQL.

    The linter compiles every model, for which dbt wants a server it can reach.
    """
    for name in ("DATABASE_URL", "MAPPING_DIR", *settings.PG_VARIABLES):
        os.environ.pop(name, None)
    with _scratch_server() as found, tempfile.TemporaryDirectory(prefix="riderra-") as folder:
        # the linter reads profiles.yml in the project's folder
        if not (settings.PROJECT_ROOT / "profiles.yml").exists():
            database.write_profile()
        environment = _environment(found, DBT_TARGET_PATH=folder, DBT_LOG_PATH=folder)
        parse = ["dbt", "--warn-error", "parse", "--no-partial-parse", "--quiet"]
        sqlfluff = ["python", "-m", "tests.lint_sql", "models", "tests"]
        for arguments in (parse, sqlfluff):
            code = subprocess.run(
                [_tool(arguments[0]), *arguments[1:]],
                cwd=settings.PROJECT_ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                check=False,
            ).returncode
            if code != 0:
                raise StepFailedError("dbt parse" if arguments is parse else "sqlfluff", code)


def stop() -> None:
    """Stops the simulator and the embedded server, where demo started them."""
    _say("simulator stopped" if _stop_simulator() else "the simulator is not running")
    _say(
        "embedded PostgreSQL stopped"
        if database.stop()
        else "the embedded PostgreSQL is not running"
    )


def clean() -> None:
    """Stops what demo started and removes its data."""
    _stop_simulator()
    database.clean()
    shutil.rmtree(settings.local_dir(), ignore_errors=True)


COMMANDS = {
    "demo": demo,
    "migrate": migrate,
    "docs": docs,
    "lint": lint,
    "stop": stop,
    "clean": clean,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m loaders.migrate", description=__doc__)
    parser.add_argument("command", choices=sorted(COMMANDS))
    command = parser.parse_args(arguments).command
    try:
        COMMANDS[command]()
    except StepFailedError as error:
        sys.stderr.write(f"stopped: {error}\n")
        return error.exit_code
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the same command goes on where this one stopped.\n")
        return 130
    except OSError as error:
        sys.stderr.write(f"error: {DatabaseError(str(error))}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
