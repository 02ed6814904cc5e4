"""dbt, imported and with the project parsed once, for the many runs of the tests.

A fresh `dbt` spends seven seconds of CPU before its first statement. Here a server process does
that once and forks for each run, so a run is still a process of its own: with its own environment,
its own output, and as easily killed.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# importing the tests' common part takes the settings of the person at the keyboard away
_ENVIRONMENT = dict(os.environ)

from tests.pytest import session  # noqa: E402
from tests.pytest.conftest import NOWHERE, PROJECT, Commands, parsed  # noqa: E402

WARM = "RIDERRA_TEST_WARM"
COMMANDS = {"build", "run", "run-operation", "seed", "test"}
# what dbt has to parse the project anew for
PARSED_ANEW = {"--vars", "MAPPING_DIR", "RIDERRA_SCHEMA"}


def _manifest(environment: dict[str, str], *target: str) -> Any:
    """Reads the parsed project, never in the tests' own process."""
    from dbt.cli.main import dbtRunner

    os.chdir(PROJECT)
    os.environ.update(environment)
    done = dbtRunner().invoke(["--quiet", "parse", "--no-write-json", *target])
    if not done.success:
        raise RuntimeError(f"the project cannot be parsed: {done.exception}")
    # it is there to stay: no use in looking through it again and again
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    return done.result


# importing this module in the fork server is what warms it up
MANIFEST = _manifest(_ENVIRONMENT) if WARM in os.environ and __name__ != "__mp_main__" else None


def _environment(target: str) -> dict[str, str]:
    """Environment to read the parsed project in."""
    folder = session.folder() / f"warm-{os.getpid()}-{target}"
    if not folder.exists():
        shutil.copytree(parsed(target), folder / "target")
    return {**Commands(NOWHERE, folder).environment(), WARM: "1"}


def _move(manifest: Any, dbname: str) -> None:
    """Lets the parsed project stand in another database; nothing else depends on its name."""
    for nodes in (manifest.nodes, manifest.sources, manifest.functions):
        for node in nodes.values():
            node.database = dbname
            if node.relation_name:
                node.relation_name = node.relation_name.replace(
                    f'"{NOWHERE.dbname}"', f'"{dbname}"', 1
                )
    # what macros see as `graph`
    manifest.build_flat_graph()


def _invoke(
    arguments: list[str],
    environment: dict[str, str],
    dbname: str,
    of_target: dict[str, str] | None,
    out: str,
    err: str,
) -> None:
    """Runs dbt in the forked child and leaves with the exit code of its command line."""
    os.setsid()
    manifest = MANIFEST
    if of_target:
        at = arguments.index("--target")
        manifest = _manifest(of_target, *arguments[at : at + 2])
    os.chdir(PROJECT)
    os.environ.clear()
    os.environ.update(environment)
    for path, stream in ((out, sys.stdout), (err, sys.stderr)):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(descriptor, stream.fileno())
    from dbt.cli.main import dbtRunner

    _move(manifest, dbname)
    done = dbtRunner(manifest=manifest).invoke(arguments)
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

    def kill(self) -> None:
        """Kills it."""
        self._process.kill()

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end and returns the exit code."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("dbt", timeout or 0)
        return code


class WarmCommands(Commands):
    """The project's commands, with dbt out of a warm process."""

    def _is_warm(self, arguments: Sequence[str], extra: dict[str, str]) -> bool:
        return (
            arguments[0] == "dbt"
            and arguments[1] in COMMANDS
            and not PARSED_ANEW & {*arguments, *extra, *self.extra}
        )

    def _fork(self, arguments: Sequence[str], out: Path, err: Path, extra: dict[str, str]) -> Run:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.pytest.warm"])
        target = arguments[arguments.index("--target") + 1] if "--target" in arguments else ""
        kept = dict(os.environ)
        # the fork server starts with the first run and keeps the environment of that moment
        os.environ.update(_environment("dev"))
        try:
            process = context.Process(
                target=_invoke,
                args=(
                    list(arguments[1:]),
                    {**self.environment(), **extra},
                    self.database.dbname,
                    _environment(target) if target else None,
                    str(out),
                    str(err),
                ),
            )
            process.start()
        finally:
            os.environ.clear()
            os.environ.update(kept)
        return Run(process)

    def run(
        self, *arguments: str, check: bool = False, timeout: float = 900, **extra: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs dbt warm, everything else as always."""
        if not self._is_warm(arguments, extra):
            return super().run(*arguments, check=check, timeout=timeout, **extra)
        out, err = (self.folder / f"{uuid.uuid4().hex}.{name}" for name in ("out", "err"))
        process = self._fork(arguments, out, err, extra)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
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
        if not self._is_warm(arguments, extra):
            return super().start(*arguments, **extra)
        log = self.folder / f"background-{uuid.uuid4().hex[:6]}.log"
        return self._fork(arguments, log, log, extra)
