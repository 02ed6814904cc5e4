"""sqlfluff over many files, one process per core, each with the dbt project loaded once.

`sqlfluff lint` gives the same answer. It reads a model that a loop unrolls into a tree of a million
objects, though, sends that tree from one process to another, and Python looks through it for
garbage over and over: more than half of its time.

Run it as `python -m tests.lint_sql FOLDER…`; the exit code says whether something was found.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from sqlfluff.core import FluffConfig, Linter

_linter: Linter | None = None


def prepare() -> None:
    """Makes the linter of a process."""
    global _linter
    gc.disable()
    _linter = Linter(config=FluffConfig.from_root())


def lint(path: str) -> list[str]:
    """Returns what is wrong with a file, one line each."""
    assert _linter
    files = _linter.lint_path(path).files
    found = [
        f"{file.path}:{error.line_no}:{error.line_pos}: {error.rule_code()} {error.desc()}"
        for file in files
        for error in file.get_violations()
        if not error.warning
    ]
    if not files:
        # sqlfluff only warns of a file that dbt could not compile, and goes on without it
        found.append(f"{path}: skipped, for the reason in sqlfluff's warning")
    # the files before are done with; what stays for all of them is not looked through again
    gc.collect()
    gc.freeze()
    return found


def main(folders: Sequence[str]) -> int:
    """Lints the SQL files below the folders."""
    paths = [
        path
        for folder in folders
        for path in Path(folder).rglob("*.sql")
        # macros are no statements; dbt tests the same way as sqlfluff
        if Path("tests/generic") not in path.parents
    ]
    # long files first: no process is left with one at the end
    paths.sort(key=lambda path: path.stat().st_size, reverse=True)
    cores = len(os.sched_getaffinity(0))
    count = 0
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(cores, 4), mp_context=context, initializer=prepare) as pool:
        for lines in pool.map(lint, map(str, paths)):
            count += len(lines)
            for line in lines:
                sys.stdout.write(f"{line}\n")
    if not paths:
        sys.stdout.write("no SQL files there\n")
    return 1 if count or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
