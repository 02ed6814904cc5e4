"""Computes what is missing in the result tables, and keeps them to the current functions."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg import sql

from loaders import database, settings
from loaders.errors import DatabaseError, UserError
from loaders.python_functions.registry import PythonFunction, python_functions
from loaders.python_functions.worker import SCHEMA, Stretch, compute, store, work_off

REQUESTS_PREFIX = "python_function_requests__"
# a process of the pool starts in half a second: fewer rows are done sooner without one
POOL_FROM_ROWS = 10_000
# half a megabyte of arguments is in the memory of a process, and lost when it is killed
STRETCH_BLOCKS = 64

Progress = Callable[[str], None]


def _silent(text: str) -> None:
    """Takes progress lines nobody asked for."""


def ensure_results(progress: Progress = _silent) -> dict[str, int]:
    """Computes every result that the models will ask for and that is not there yet.

    Args:
        progress: called with one plain line now and then; no personal data in it.

    Returns:
        New results per function; empty when the database runs the functions itself.

    Raises:
        DatabaseError: dbt could not build the request models.
        SettingsError: this environment has other library versions than pinned.
    """
    found = settings.database()
    with database.connect(found, autocommit=True) as link:
        drop_stale_results(link)
        may_run_python = link.execute(
            "select from pg_language where lanname = 'plpython3u' union all "
            "select from pg_available_extensions where name = 'plpython3u'"
        ).fetchone()
    if may_run_python:
        _dbt(found, "resource_type:function")
        with database.connect(found, autocommit=True) as link:
            if _runs_in_database(link):
                progress("the database runs the Python functions itself")
                return {}
    for function in python_functions().values():
        function.check_packages()
    progress("dbt builds the request models")
    relations = _dbt(found, "+tag:udf_requests", "resource_type:function")
    with database.connect(found, autocommit=True) as link:
        # a new database has its result tables only now, and no version noted yet
        drop_stale_results(link)
    return fill(found, relations, progress)


def add_results(found: settings.DatabaseSettings, name: str, rows: Iterable[Sequence[Any]]) -> int:
    """Computes the results of given argument lists; returns how many were new.

    For tests and experiments: the models' own arguments come from the request models.
    """
    function = python_functions()[name]
    with database.connect(found) as link:
        drop_stale_results(link)
        link.execute(
            sql.SQL("create temp table asked ({})").format(
                sql.SQL(", ").join(
                    sql.SQL("{} {}").format(sql.Identifier(argument), sql.SQL(data_type))
                    for argument, data_type in zip(
                        function.arguments, function.argument_types, strict=True
                    )
                )
            )
        )
        with link.cursor() as cursor, cursor.copy("copy asked from stdin") as copy:
            for row in rows:
                copy.write_row(row)
        rows = link.execute(_select_missing(function, sql.Identifier("asked"))).fetchall()
        store(link, name, compute(name, rows))
        return len(rows)


def drop_stale_results(link: psycopg.Connection[Any]) -> None:
    """Empties the results that an older file or library made, and notes the current versions."""
    with link.transaction():
        present = {
            row[0]
            for row in link.execute(
                "select table_name from information_schema.tables where table_schema = %s", [SCHEMA]
            )
        }
        if "function_versions" not in present:
            return
        noted = dict(
            link.execute(
                "select function_name, version from python_functions.function_versions"
            ).fetchall()
        )
        for name, function in python_functions().items():
            if noted.get(name) == function.version or f"{name}_results" not in present:
                continue
            link.execute(sql.SQL("truncate {}").format(sql.Identifier(SCHEMA, f"{name}_results")))
            link.execute(
                "insert into python_functions.function_versions (function_name, version) "
                "values (%s, %s) on conflict (function_name) "
                "do update set version = excluded.version, noted_at = now()",
                [name, function.version],
            )


def _runs_in_database(link: psycopg.Connection[Any]) -> bool:
    languages = dict(
        link.execute(
            "select proname, lanname from pg_proc "
            "join pg_language on pg_language.oid = prolang "
            "where pronamespace = to_regnamespace('functions') and proname = any(%s)",
            [list(python_functions())],
        ).fetchall()
    )
    return len(languages) == len(python_functions()) and set(languages.values()) == {"plpython3u"}


def _dbt(found: settings.DatabaseSettings, *selection: str) -> dict[str, str]:
    """Builds the selected nodes; returns the request models' relations by function name."""
    profiles = os.environ.get("DBT_PROFILES_DIR", str(settings.PROJECT_ROOT))
    if not (Path(profiles) / "profiles.yml").exists():
        profiles = str(settings.PROJECT_ROOT)
        database.write_profile()
    target = settings.local_dir().resolve() / "target" / "python_functions"
    own = settings.PROJECT_ROOT / os.environ.get("DBT_TARGET_PATH", "target")
    _share_parse_result(own, target)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "loaders.python_functions.requests",
            "build",
            "--select",
            *selection,
            "--exclude-resource-type",
            "test",
            "unit_test",
            "--target-path",
            str(target),
        ],
        cwd=settings.PROJECT_ROOT,
        env={
            **os.environ,
            **found.environment(),
            "DBT_PROFILES_DIR": profiles,
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_USE_COLORS": "false",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    told = _told(done.stdout)
    if done.returncode != 0:
        failed = ", ".join(told.get("failed", [])[:5])
        why = told.get("reason") or (
            f"{failed} failed." if failed else f"dbt ended with code {done.returncode}."
        )
        raise DatabaseError(
            f"dbt could not build what the Python functions are asked for: {why} "
            f'See: dbt build --select "{" ".join(selection)}"'
        )
    _share_parse_result(target, own)
    return {
        name.removeprefix(REQUESTS_PREFIX): relation
        for name, relation in told["relations"].items()
        if name.startswith(REQUESTS_PREFIX)
    }


def _told(output: str) -> dict[str, Any]:
    """Reads the last line that the process wrote; empty when it did not come so far."""
    try:
        told: dict[str, Any] = json.loads(output.strip().rpartition("\n")[2])
    except ValueError:
        return {}
    return told


def _share_parse_result(source: Path, target: Path) -> None:
    """Spares dbt a full parse of the project where the other folder has the result of one."""
    parsed = source / "partial_parse.msgpack"
    if parsed.is_file() and not (target / parsed.name).exists():
        target.mkdir(parents=True, exist_ok=True)
        # whole or not at all: another dbt may read it
        copied = shutil.copy(parsed, target / f"{parsed.name}.{os.getpid()}")
        Path(copied).replace(target / parsed.name)


def fill(
    found: settings.DatabaseSettings, relations: dict[str, str], progress: Progress = _silent
) -> dict[str, int]:
    """Computes what is missing of several functions, on all cores when it pays.

    Args:
        found: the database.
        relations: the table or view of argument lists of each function, by its name.
        progress: as for `ensure_results`.

    Returns:
        New results per function. Every stored stretch stays when it is killed.
    """
    functions = [each for name, each in python_functions().items() if name in relations]
    stored = dict.fromkeys([each.name for each in functions], 0)
    missing: dict[str, int] = {}
    waiting: dict[Future[int], str] = {}
    with database.connect(found, autocommit=True) as link, ExitStack() as cleanup:
        # a second run waits here and then finds nothing to do
        link.execute("select pg_advisory_lock(hashtext(%s))", [SCHEMA])
        _tune(link)
        pool = cleanup.enter_context(_Pool(found))
        # while the server looks for what one function lacks, the pool is at the one before
        for function in functions:
            cleanup.callback(_forget_missing, link, function)
            count = _note_missing(link, function, relations[function.name])
            if not count:
                continue
            missing[function.name] = count
            progress(f"{function.name}: {count:,} new argument lists")
            for stretch in _stretches(link, function):
                if waiting or count >= POOL_FROM_ROWS:
                    waiting[pool.submit(stretch)] = function.name
                else:
                    stored[function.name] += work_off(link, stretch)
        for done in as_completed(waiting):
            name = waiting[done]
            stored[name] += done.result()
            progress(f"{name}: {stored[name]:,} of {missing[name]:,}")
        for name in missing:
            link.execute(sql.SQL("analyze {}").format(sql.Identifier(SCHEMA, f"{name}_results")))
    return stored


def _tune(link: psycopg.Connection[Any]) -> None:
    """Gives the session what macros/settings/session_settings.sql gives a model's.

    And no loops: what is missing of a million answers is seldom much, but the planner takes the
    requests for few and looks each of them up by itself.
    """
    memory = os.environ.get("RIDERRA_WORK_MEM", "64MB")
    link.execute(
        sql.SQL(
            "set jit = off; set parallel_setup_cost = 100; set parallel_tuple_cost = 0.01; "
            "set enable_nestloop = off; set work_mem = {}"
        ).format(sql.Literal(memory))
    )


def _missing_table(function: PythonFunction) -> str:
    # purge_raw empties what is named like this, should a killed run leave it behind
    return f"{function.name}_missing_results"


def _note_missing(link: psycopg.Connection[Any], function: PythonFunction, relation: str) -> int:
    """Puts argument lists without a result where the pool finds them; returns how many.

    In the order of their hashes: so are the results stored, and their index is written page after
    page instead of everywhere at once.
    """
    _forget_missing(link, function)
    return link.execute(
        sql.SQL("create unlogged table {} as {}").format(
            sql.Identifier(SCHEMA, _missing_table(function)),
            _select_missing(function, sql.SQL(relation)),
        )
    ).rowcount


def _forget_missing(link: psycopg.Connection[Any], function: PythonFunction) -> None:
    link.execute(
        sql.SQL("drop table if exists {}").format(sql.Identifier(SCHEMA, _missing_table(function)))
    )


def _select_missing(function: PythonFunction, relation: sql.Composable) -> sql.Composed:
    return sql.SQL(
        "select distinct on (args_hash) requests.* from ("
        "select md5(jsonb_build_array({arguments})::text)::uuid as args_hash, {arguments} "
        "from {relation}) as requests "
        "where not exists (select from {results} as results "
        "where results.args_hash = requests.args_hash) "
        "order by args_hash"
    ).format(
        arguments=sql.SQL(", ").join(map(sql.Identifier, function.arguments)),
        relation=relation,
        results=sql.Identifier(SCHEMA, f"{function.name}_results"),
    )


def _stretches(link: psycopg.Connection[Any], function: PythonFunction) -> Iterator[Stretch]:
    table = _missing_table(function)
    row = link.execute(
        "select pg_relation_size(oid) / current_setting('block_size')::int, "
        "pg_table_size(oid) / greatest(pg_relation_size(oid), 1) "
        "from (select %s::regclass as oid) as found",
        [f"{SCHEMA}.{table}"],
    ).fetchone()
    blocks, weight = row or (0, 1)
    # long texts lie beside the blocks of their table
    step = max(1, STRETCH_BLOCKS // max(1, weight))
    for first in range(0, blocks, step):
        yield Stretch(function.name, table, first, first + step)


class _Pool:
    """Processes of `worker`, one per core, each started when its first stretch is due."""

    def __init__(self, found: settings.DatabaseSettings) -> None:
        self._environment = {**os.environ, **found.environment()}
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1)
        # a thread stays with its process
        self._own = threading.local()
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._threads.shutdown(cancel_futures=True)
        for process in self._processes:
            # the end of its input ends it
            process.communicate()

    def submit(self, stretch: Stretch) -> Future[int]:
        """Hands a stretch to the next free process; the answer is how many rows it had."""
        return self._threads.submit(self._work_off, stretch)

    def _work_off(self, stretch: Stretch) -> int:
        if not hasattr(self._own, "process"):
            self._own.process = self._start()
        process = self._own.process
        try:
            process.stdin.write(stretch.to_json() + "\n")
            process.stdin.flush()
        except OSError:
            pass
        line = process.stdout.readline()
        if not line:
            raise DatabaseError(
                "a process that computes Python functions ended early; what it stored stays, run "
                "the command again."
            )
        told = json.loads(line)
        if "error" in told:
            raise UserError(told["error"])
        return int(told["stored"])

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "loaders.python_functions.worker"],
            cwd=settings.PROJECT_ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._processes.append(process)
        return process
