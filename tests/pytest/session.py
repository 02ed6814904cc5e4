"""What the workers of one test run share.

pytest-xdist runs the tests in several processes. A server, the parsed project or a finished
migration is made by the first that needs it, while the others wait or do something else; the
process that started the workers takes everything away at the end.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = "RIDERRA_TEST_SESSION"


def begin() -> None:
    """Makes the shared folder, in the process that starts the workers; they inherit its name."""
    if FOLDER not in os.environ:
        # not below pytest's own folder: the next pytest process closes that one to other accounts,
        # the server's among them
        made = Path(tempfile.mkdtemp(prefix="riderra-tests-"))
        (made / "owner").write_text(str(os.getpid()), encoding="utf-8")
        os.environ[FOLDER] = str(made)


def is_owner() -> bool:
    """Tells whether this process has to clear up."""
    return (folder() / "owner").read_text(encoding="utf-8") == str(os.getpid())


def folder() -> Path:
    """Returns the shared folder."""
    return Path(os.environ[FOLDER])


def once(name: str, make: Callable[[], Any]) -> Any:
    """Returns what `make` returned to the first that asked; it has to fit into JSON."""
    note = folder() / f"{name}.json"
    with (folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not note.exists():
            note.write_text(json.dumps(make()), encoding="utf-8")
        return json.loads(note.read_text(encoding="utf-8"))


def keep_process(pid: int) -> None:
    """Has a process ended with the run, not with the worker that started it."""
    (folder() / f"{pid}.pid").touch()


def keep_database(name: str) -> None:
    """Has a database dropped with the run."""
    (folder() / f"{name}.database").touch()


def databases() -> list[str]:
    """Returns the databases to drop."""
    return [path.stem for path in folder().glob("*.database")]


def end() -> None:
    """Ends the shared processes and removes the folder."""
    for path in folder().glob("*.pid"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(path.stem), signal.SIGTERM)
    shutil.rmtree(os.environ.pop(FOLDER), ignore_errors=True)
