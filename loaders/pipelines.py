"""One factory for every dlt pipeline of the project, and the one place where a load runs.

The destination is the database in use (`loaders.settings.database`); dlt's working folders stay
under `.local/dlt`. Row values never leave a failed load: dlt's exceptions quote SQL and rows, so
they are replaced by a `DatabaseError` that names the table and the server's condition.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlt
import psycopg2
import psycopg2.errors
from dlt.common.runtime.collector import TqdmCollector
from dlt.common.runtime.collector_base import Collector
from dlt.destinations.impl.postgres.configuration import PostgresCredentials
from dlt.pipeline.exceptions import PipelineStepFailed

from loaders import settings
from loaders.errors import DatabaseError, UserError

if TYPE_CHECKING:
    from typing import TextIO

PROGRESS_SECONDS = 10.0
# SQLSTATE classes whose message names database objects only, never a row's value
SAFE_CLASSES = ("08", "28", "3D", "3F", "42", "53", "54", "57", "58")
SCHEMA_CONTRACT = {"tables": "evolve", "columns": "evolve", "data_type": "freeze"}


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


@dataclass
class Summary:
    """What a pipeline did, for the last lines of the command.

    Attributes:
        pipeline: its name.
        rows: rows loaded per table.
        requests_used: HTTP requests sent, over all interruptions of the run.
        requests_floor: the least number of requests that could have fetched the same.
        lines: further lines worth showing.
    """

    pipeline: str
    rows: dict[str, int] = field(default_factory=dict)
    requests_used: int | None = None
    requests_floor: int | None = None
    lines: list[str] = field(default_factory=list)

    def text(self, seconds: float) -> str:
        """Returns the printed form: rows per table, requests used and time."""
        out = [f"{self.pipeline}: {_plural(sum(self.rows.values()), 'row')} in {seconds:.1f} s"]
        width = max((len(table) for table in self.rows), default=0)
        out += [f"  {table:<{width}}  {count:>10,}" for table, count in sorted(self.rows.items())]
        if self.requests_used is not None:
            floor = f" (floor {self.requests_floor:,})" if self.requests_floor is not None else ""
            out.append(f"  requests used: {self.requests_used:,}{floor}")
        return "\n".join([*out, *(f"  {line}" for line in self.lines)]) + "\n"


class PlainProgress(Collector):
    """One plain line every few seconds: for logs, cron and CI."""

    def __init__(self, seconds: float = PROGRESS_SECONDS, stream: TextIO | None = None) -> None:
        self.step = ""
        self._seconds = seconds
        self._stream = stream or sys.stderr
        self._counts: dict[str, int] = {}
        self._totals: dict[str, int | None] = {}
        self._messages: dict[str, str] = {}
        self._last = time.monotonic()

    def update(
        self,
        name: str,
        inc: int = 1,
        total: int | None = None,
        inc_total: int | None = None,
        message: str | None = None,
        label: str | None = None,
    ) -> None:
        """Counts, and writes a line when the last one is old enough."""
        key = f"{name} {label}" if label else name
        self._counts[key] = self._counts.get(key, 0) + inc
        if total is not None or key not in self._totals:
            self._totals[key] = total
        if inc_total and self._totals[key] is not None:
            self._totals[key] = (self._totals[key] or 0) + inc_total
        if message:
            self._messages[key] = message
        if time.monotonic() - self._last >= self._seconds:
            self._write()

    def _write(self) -> None:
        self._last = time.monotonic()
        parts = []
        for key, count in self._counts.items():
            total = self._totals[key]
            part = f"{key} {count:,}" + (f" of {total:,}" if total else "")
            parts.append(part + (f" ({self._messages[key]})" if key in self._messages else ""))
        self._stream.write(f"{self.step}: {', '.join(parts)}\n")
        self._stream.flush()

    def _start(self, step: str) -> None:
        self.step = step
        self._counts, self._totals, self._messages = {}, {}, {}

    def _stop(self) -> None:
        """Says nothing: the summary follows."""


def progress() -> Collector:
    """Returns dlt's progress bars on a terminal, plain lines otherwise."""
    return TqdmCollector() if sys.stderr.isatty() else PlainProgress()


def dlt_dir() -> Path:
    """Returns the private folder of dlt's working data."""
    path = settings.local_dir() / "dlt"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.chmod(0o700)
    return path


@contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Keeps a second run of the same pipeline out; frees itself when the process dies.

    Raises:
        UserError: when another process runs it.
    """
    with (dlt_dir() / f"{name}.lock").open("w") as lock:
        for attempt in range(1, 4):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if attempt == 3:
                    raise UserError(
                        f"another `dlt pipeline {name} run` is at work in this folder: wait for "
                        "it to end."
                    ) from None
                # who removes the rows of a killed run holds it for a moment
                time.sleep(0.1)
        yield


def _credentials(found: settings.DatabaseSettings) -> PostgresCredentials:
    credentials = PostgresCredentials()
    credentials.host = found.host
    credentials.port = found.port
    credentials.username = found.user
    credentials.password = found.password or None
    credentials.database = found.dbname
    credentials.query = {"sslmode": found.sslmode} if found.sslmode else {}
    credentials.resolve()
    return credentials


def build_pipeline(
    name: str, dataset_name: str, collector: Collector | None = None
) -> dlt.Pipeline:
    """Builds the pipeline `name` that loads into schema `dataset_name` of the database in use.

    Its working folder starts empty: what must outlive a killed run is kept by the pipeline
    itself (spool, files), and a package left half-loaded must never reach another database.
    """
    os.umask(0o077)
    working = dlt_dir() / "pipelines"
    shutil.rmtree(working / name, ignore_errors=True)
    # Arrow tables get dlt's own columns too
    dlt.config["normalize.parquet_normalizer.add_dlt_load_id"] = True
    dlt.config["normalize.parquet_normalizer.add_dlt_id"] = True
    # no copy of a loaded row stays on disk
    dlt.config["load.delete_completed_jobs"] = True
    dlt.config["load.truncate_staging_dataset"] = True
    # packing costs more than the disk it saves: the files live for seconds, on the same machine
    dlt.config["normalize.data_writer.disable_compression"] = True
    dlt.config["load.workers"] = 2
    dlt.config["normalize.workers"] = 1
    return dlt.pipeline(
        pipeline_name=name,
        pipelines_dir=str(working),
        destination=dlt.destinations.postgres(credentials=_credentials(settings.database())),
        dataset_name=dataset_name,
        progress=collector or progress(),
    )


def files_dir(pipeline: dlt.Pipeline) -> Path:
    """Returns a folder for files on their way to dlt; a killed load leaves none of it behind."""
    path = Path(pipeline.working_dir) / "files"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    queue: list[BaseException | None] = [error]
    while queue:
        current = queue.pop(0)
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        queue += [getattr(current, "exception", None), current.__cause__, current.__context__]
        queue += [each for each in current.args if isinstance(each, BaseException)]


_make_record = logging.getLogRecordFactory()


def _record_without_rows(*arguments: Any, **named: Any) -> logging.LogRecord:
    """Takes the text of dlt's warnings and errors away at every log level: it quotes rows."""
    record = _make_record(*arguments, **named)
    is_of_dlt = record.name.partition(".")[0] == "dlt"
    if is_of_dlt and (record.exc_info or record.levelno >= logging.WARNING):
        kind = record.exc_info[0] if record.exc_info else None
        record.msg = "%s in %s (not shown, since it may quote a row)"
        record.args = (kind.__name__ if kind else record.levelname, record.module)
        record.exc_info = record.exc_text = record.stack_info = None
    return record


if not os.environ.get("RIDERRA_TRACEBACK"):
    logging.setLogRecordFactory(_record_without_rows)


def _scrubbed(error: BaseException, name: str) -> UserError:
    again = "What was fetched is kept: mend it and run the same command again."
    for cause in _causes(error):
        if isinstance(cause, UserError):
            return cause
    for cause in _causes(error):
        if isinstance(cause, psycopg2.Error):
            code = cause.pgcode or "08006"
            condition = type(cause).__name__
            text = ""
            if code.startswith(SAFE_CLASSES):
                message = cause.diag.message_primary or ""
                text = f": {message}" if message else ""
            return DatabaseError(
                f"loading of {name} failed in the database ({condition}, SQLSTATE {code}){text}. "
                f"{again}"
            )
    kinds = [type(cause).__name__ for cause in _causes(error)]
    return DatabaseError(f"loading of {name} failed ({' from '.join(kinds[:3])}). {again}")


# waits until the loading process says so or is gone; in the second case nobody else is there to
# remove its rows, unless the next run was faster: that one holds the lock and starts with cleaning
_JANITOR = """
import fcntl, os, shutil, sys, time
folder, lock = sys.argv[1:]
if sys.stdin.read() != "done":
    with open(lock, "w") as held:
        # the dying process lets go of its lock a moment after its pipe
        for _ in range(50):
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.rename(folder, folder + ".killed")
                break
            except BlockingIOError:
                time.sleep(0.1)
            except OSError:
                sys.exit()
    shutil.rmtree(folder + ".killed", ignore_errors=True)
"""


@contextmanager
def _removed_when_killed(pipeline: dlt.Pipeline) -> Iterator[None]:
    """Lets no row stay in dlt's working folder when this process is killed while it loads."""
    folder = Path(pipeline.working_dir).resolve()
    shutil.rmtree(f"{folder}.killed", ignore_errors=True)
    lock = dlt_dir().resolve() / f"{pipeline.pipeline_name}.lock"
    with subprocess.Popen(
        [sys.executable, "-I", "-c", _JANITOR, str(folder), str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # a kill of the whole process group must not take it along
        start_new_session=True,
        cwd="/",
    ) as janitor:
        try:
            yield
        finally:
            janitor.communicate(b"done")


def load(pipeline: dlt.Pipeline, data: Any, **options: Any) -> dict[str, int]:
    """Runs one extract-normalise-load of `data` and returns the rows loaded per table.

    Raises:
        UserError: the one raised by a resource, or a `DatabaseError` without any row values.
    """
    try:
        with _quiet(), _removed_when_killed(pipeline):
            pipeline.run(data, loader_file_format="csv", **options)
    except (PipelineStepFailed, psycopg2.Error, UserError) as error:
        # the package, the trace and the failed jobs of dlt quote rows
        shutil.rmtree(pipeline.working_dir, ignore_errors=True)
        raise _scrubbed(error, pipeline.pipeline_name) from None
    return _counts(pipeline)


def _counts(pipeline: dlt.Pipeline) -> dict[str, int]:
    """Returns rows per table; those of imported files are known to the first step only."""
    trace = pipeline.last_trace
    found: dict[str, int] = {}
    for info in (trace.last_extract_info, trace.last_normalize_info) if trace else ():
        for steps in info.metrics.values() if info else ():
            for step in steps:
                for table, metrics in step["table_metrics"].items():
                    if not table.startswith("_dlt"):
                        found[table] = max(found.get(table, 0), metrics.items_count)
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
