"""Computes what is missing in the result tables, and keeps them to the current functions."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from loaders import database, settings
from loaders.errors import DatabaseError, UserError
from loaders.python_functions.registry import PythonFunction, load, python_functions

SCHEMA = "python_functions"
REQUESTS_PREFIX = "python_function_requests__"
CHUNK_ROWS = 1000
# a pool of processes starts in about a second: fewer rows are done sooner without
POOL_FROM_ROWS = 10_000

Progress = Callable[[str], None]
Row = tuple[Any, ...]


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
    progress("dbt builds the request models")
    relations = _dbt(found, "+tag:udf_requests", "resource_type:function")
    with database.connect(found, autocommit=True) as link:
        # a new database has its result tables only now, and no version noted yet
        drop_stale_results(link)
    computed = {}
    for name, function in python_functions().items():
        function.check_packages()
        if name in relations:
            computed[name] = _fill(found, function, relations[name], progress)
    return computed


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
        missing = _select_missing(link, function, sql.Identifier("asked"))
        answers = [
            answer for chunk in _chunks(link, function) for answer in compute(function.name, chunk)
        ]
        _store(link, function, answers)
        return missing


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


def compute(name: str, rows: Sequence[Row]) -> list[tuple[Any, Any]]:
    """Runs one function over rows of (hash, argument, …); returns rows of (hash, answer).

    Raises:
        UserError: the function failed; names the hash, never the arguments.
    """
    function = load(name)
    as_json = python_functions()[name].returns in ("json", "jsonb")
    answers = []
    for key, *arguments in rows:
        try:
            answer = function(*arguments)
        except Exception as error:
            raise UserError(
                f"functions/{name}.py failed with {type(error).__name__} on the arguments with "
                f"hash {key}; please report it with that argument list."
            ) from None
        if as_json and answer is not None:
            answer = json.dumps(answer, ensure_ascii=False)
        answers.append((key, answer))
    return answers


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
            str(Path(sys.executable).parent / "dbt"),
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
    if done.returncode != 0:
        raise DatabaseError(
            f"dbt could not build what the Python functions are asked for: {_why(done, target)} "
            f'See: dbt build --select "{" ".join(selection)}"'
        )
    _share_parse_result(target, own)
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    return {
        node["name"].removeprefix(REQUESTS_PREFIX): node["relation_name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["name"].startswith(REQUESTS_PREFIX)
    }


def _share_parse_result(source: Path, target: Path) -> None:
    """Spares dbt a full parse of the project where the other folder has the result of one."""
    parsed = source / "partial_parse.msgpack"
    if parsed.is_file() and not (target / parsed.name).exists():
        target.mkdir(parents=True, exist_ok=True)
        # whole or not at all: another dbt may read it
        copied = shutil.copy(parsed, target / f"{parsed.name}.{os.getpid()}")
        Path(copied).replace(target / parsed.name)


def _why(done: subprocess.CompletedProcess[str], target: Path) -> str:
    """Says what failed by name; a database error's own text may quote a row."""
    results = target / "run_results.json"
    lines = [line.partition("  ")[2].strip() or line.strip() for line in done.stdout.splitlines()]
    if "Encountered an error:" in lines:
        rest = lines[lines.index("Encountered an error:") + 1 :]
        if rest and rest[0].startswith(("Compilation Error", "Parsing Error", "Runtime Error")):
            return " ".join(rest[:2])
    if results.exists():
        failed = [
            result["unique_id"].split(".")[-1]
            for result in json.loads(results.read_text(encoding="utf-8"))["results"]
            if result["status"] == "error"
        ]
        if failed:
            return f"{', '.join(failed[:5])} failed."
    return f"dbt ended with code {done.returncode}."


def _fill(
    found: settings.DatabaseSettings, function: PythonFunction, relation: str, progress: Progress
) -> int:
    """Computes the missing results of one function; every stored chunk stays when it is killed."""
    with database.connect(found) as reader, database.connect(found) as writer:
        # a second run waits here and then finds nothing to do
        reader.execute("select pg_advisory_xact_lock(hashtext(%s))", [f"{SCHEMA}.{function.name}"])
        missing = _select_missing(reader, function, sql.SQL(relation))
        if not missing:
            return 0
        progress(f"{function.name}: {missing:,} new argument lists")
        stored = 0
        for answers in _answers(function, _chunks(reader, function), missing):
            _store(writer, function, answers)
            writer.commit()
            stored += len(answers)
            progress(f"{function.name}: {stored:,} of {missing:,}")
        writer.execute(
            sql.SQL("analyze {}").format(sql.Identifier(SCHEMA, f"{function.name}_results"))
        )
        return stored


def _select_missing(
    link: psycopg.Connection[Any], function: PythonFunction, relation: sql.Composable
) -> int:
    arguments = sql.SQL(", ").join(sql.Identifier(name) for name in function.arguments)
    link.execute(
        sql.SQL(
            "create temp table missing on commit drop as "
            "select distinct on (args_hash) requests.* from ("
            "select md5(jsonb_build_array({arguments})::text)::uuid as args_hash, {arguments} "
            "from {relation}) as requests "
            "where not exists (select from {results} as results "
            "where results.args_hash = requests.args_hash)"
        ).format(
            arguments=arguments,
            relation=relation,
            results=sql.Identifier(SCHEMA, f"{function.name}_results"),
        )
    )
    row = link.execute("select count(*) from missing").fetchone()
    return int(row[0]) if row else 0


def _chunks(link: psycopg.Connection[Any], function: PythonFunction) -> Iterator[list[Row]]:
    with link.cursor(name=f"missing_{function.name}") as cursor:
        cursor.execute("select * from missing")
        while rows := cursor.fetchmany(CHUNK_ROWS):
            yield rows


def _answers(
    function: PythonFunction, chunks: Iterator[list[Row]], missing: int
) -> Iterator[list[tuple[Any, Any]]]:
    """Computes chunk after chunk, on all cores when it pays; only a few chunks are in memory."""
    workers = os.cpu_count() or 1
    if workers == 1 or missing < POOL_FROM_ROWS:
        for chunk in chunks:
            yield compute(function.name, chunk)
        return
    # spawn: a forked child would share our database connections
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        waiting: deque[Future[list[tuple[Any, Any]]]] = deque()
        for chunk in chunks:
            waiting.append(pool.submit(compute, function.name, chunk))
            if len(waiting) >= workers * 3:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _store(
    link: psycopg.Connection[Any], function: PythonFunction, answers: Sequence[tuple[Any, Any]]
) -> None:
    statement = sql.SQL("copy {} (args_hash, result) from stdin").format(
        sql.Identifier(SCHEMA, f"{function.name}_results")
    )
    with link.cursor() as cursor, cursor.copy(statement) as copy:
        for answer in answers:
            copy.write_row(answer)
