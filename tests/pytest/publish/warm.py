"""dbt, imported and with the project parsed once, for the many runs of the publishing tests.

A fresh `dbt` spends seven seconds of CPU before its first statement. Here a server process does
that once and forks for each run, so a run is still a process of its own: with its own environment,
its own output, and as easily killed.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# importing the tests' common part takes the settings of the person at the keyboard away
_ENVIRONMENT = dict(os.environ)

from tests.pytest.conftest import PROJECT, Commands  # noqa: E402

PARSED_FOR = "RIDERRA_TEST_PARSED_FOR"


def _manifest() -> Any:
    """Parses the project, in the server process only."""
    from dbt.cli.main import dbtRunner

    os.chdir(PROJECT)
    os.environ.update(_ENVIRONMENT)
    done = dbtRunner().invoke(["--quiet", "parse"])
    if not done.success:
        raise RuntimeError(f"the project cannot be parsed: {done.exception}")
    return done.result


# importing this module in the fork server is what warms it up
MANIFEST = _manifest() if PARSED_FOR in os.environ and __name__ != "__mp_main__" else None


def _invoke(arguments: list[str], environment: dict[str, str], out: str, err: str) -> None:
    """Runs dbt in the forked child and leaves with the exit code of its command line."""
    os.setsid()
    os.chdir(PROJECT)
    os.environ.clear()
    os.environ.update(environment)
    for path, stream in ((out, sys.stdout), (err, sys.stderr)):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(descriptor, stream.fileno())
    from dbt.cli.main import dbtRunner

    done = dbtRunner(manifest=MANIFEST).invoke(arguments)
    if done.exception:
        sys.stdout.write(f"{done.exception}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0 if done.success else 2 if done.exception else 1)


class Run:
    """A running dbt, with what the tests use of subprocess.Popen."""

    def __init__(self, process: Any) -> None:
        self._process = process
        self.pid: int = process.pid

    def poll(self) -> int | None:
        """Returns the exit code of a finished run, else None."""
        code: int | None = self._process.exitcode
        return code

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end and returns the exit code."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("dbt", timeout or 0)
        return code


class WarmCommands(Commands):
    """The project's commands, with dbt out of a warm process."""

    def _fork(self, arguments: Sequence[str], out: Path, err: Path, extra: dict[str, str]) -> Run:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.pytest.publish.warm"])
        environment = {**self.environment(), **extra}
        kept = dict(os.environ)
        # the fork server starts with the first run and keeps the environment of that moment
        os.environ.update(environment)
        os.environ[PARSED_FOR] = self.database.dbname
        try:
            process = context.Process(
                target=_invoke, args=(list(arguments), environment, str(out), str(err))
            )
            process.start()
        finally:
            os.environ.clear()
            os.environ.update(kept)
        return Run(process)

    def run(
        self, *arguments: str, check: bool = False, timeout: float = 180, **extra: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs dbt warm, everything else as always."""
        # another target is another set of schemas: it needs a parse of its own
        if arguments[0] != "dbt" or "--target" in arguments:
            return super().run(*arguments, check=check, timeout=timeout, **extra)
        out, err = (self.folder / f"{uuid.uuid4().hex}.{name}" for name in ("out", "err"))
        code = self._fork(arguments[1:], out, err, extra).wait(timeout)
        done = subprocess.CompletedProcess(
            arguments, code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")
        )
        if check and code != 0:
            raise AssertionError(
                f"{' '.join(arguments)} ended with {code}\n{done.stdout[-6000:]}\n{done.stderr}"
            )
        return done

    def start(self, *arguments: str, **extra: str) -> Any:
        """Starts dbt warm, everything else as always."""
        if arguments[0] != "dbt":
            return super().start(*arguments, **extra)
        log = self.folder / f"background-{uuid.uuid4().hex[:6]}.log"
        return self._fork(arguments[1:], log, log, extra)
