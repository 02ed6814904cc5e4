"""What an extract keeps on disk, and its end.

A finished run leaves no row behind. One that was paused or killed leaves its pages (the spool,
readable by its owner only) and perhaps a package of dlt; the next run goes on with them. Once the
migration is purged, nothing will.
"""

from __future__ import annotations

import fcntl
import shutil
from contextlib import ExitStack
from pathlib import Path

from loaders import settings
from loaders.errors import UserError


def remove_extract_files() -> int:
    """Removes everything that the extracts keep on disk; returns how many files there were.

    Raises:
        UserError: an extract is at work.
    """
    folder = settings.local_dir() / "dlt"
    if not folder.is_dir():
        return 0
    with ExitStack() as stack:
        for path in sorted(folder.glob("*.lock")):
            lock = stack.enter_context(path.open("w"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UserError(
                    f"`dlt pipeline {path.stem} run` is at work: wait for it to end."
                ) from None
        found = [path for path in folder.rglob("*") if path.is_file() and not _is_lock(path)]
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif not _is_lock(path):
                path.unlink()
    return len(found)


def _is_lock(path: Path) -> bool:
    return path.suffix == ".lock"
