"""Runs the Planfix extract alone and writes down what each of its stages took.

Run it as `python -m benchmarks.staged_extract FILE [--full] [--watch NAME=PID …]`; FILE gets the
figures as JSON: wall seconds and processor seconds per stage, of this process and of the watched
ones with their children. The step that computes the Python functions is left out: the pipeline
benchmark measures it on its own.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from dlt.pipeline.pipeline import Pipeline

from benchmarks.measure import server_cpu
from loaders.planfix import extract
from loaders.planfix.command import PIPELINE

# stage, its owner and its method; `load` holds the three of dlt
STAGES = (
    ("fetch", extract.Extract, "_fetch_base"),
    ("load", extract.Extract, "_load"),
    ("dlt extract", Pipeline, "extract"),
    ("dlt normalise", Pipeline, "normalize"),
    ("dlt load", Pipeline, "load"),
    ("audit", extract.Extract, "_compare_with_raw"),
)


class Clocks:
    """Wall time and the processor time of all whom the work keeps busy."""

    def __init__(self, watched: dict[str, psutil.Process]) -> None:
        self.watched = watched
        self.stages: dict[str, dict[str, float]] = {}

    def read(self) -> dict[str, float]:
        """Returns what was used so far."""
        used = {name: server_cpu(process) for name, process in self.watched.items()}
        return {"seconds": time.monotonic(), "client": time.process_time(), **used}

    def time(self, owner: type, name: str, label: str) -> None:
        """Adds up what a method takes."""
        work: Callable[..., Any] = getattr(owner, name)

        def wrapper(*arguments: Any, **options: Any) -> Any:
            before = self.read()
            try:
                return work(*arguments, **options)
            finally:
                total = self.stages.setdefault(label, dict.fromkeys(before, 0.0))
                for clock, value in self.read().items():
                    total[clock] += value - before[clock]

        setattr(owner, name, wrapper)


def main() -> int:
    """Extracts from the account that the environment names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.staged_extract")
    parser.add_argument("file", type=Path)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--watch", nargs="*", default=[])
    options = parser.parse_args()
    watched = {}
    for pair in options.watch:
        name, _, pid = pair.partition("=")
        watched[name] = psutil.Process(int(pid))
    clocks = Clocks(watched)
    for label, owner, name in STAGES:
        clocks.time(owner, name, label)
    gc.collect()
    before = clocks.read()
    summary = PIPELINE.run(
        argparse.Namespace(since=None, full=options.full, max_requests=None, accept_drop=False)
    )
    total = {name: value - before[name] for name, value in clocks.read().items()}
    loading = clocks.stages.get("load", {}).get("seconds", 0.0)
    figures = {
        "seconds": total["seconds"],
        "fetch": total["seconds"] - loading,
        "load": loading,
        "rows": summary.rows,
        "requests": summary.requests_used,
        "floor": summary.requests_floor,
        "total": total,
        "stages": clocks.stages,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    options.file.write_text(json.dumps(figures), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
