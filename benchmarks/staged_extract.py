"""Runs the Planfix extract alone and writes down how long fetching and loading took.

Run it as `python -m benchmarks.staged_extract FILE`; FILE gets the figures as JSON. The step that
computes the Python functions is left out: the pipeline benchmark measures it on its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loaders.planfix import extract
from loaders.planfix.command import PIPELINE


def main() -> int:
    """Extracts from the account that the environment names."""
    stages: dict[str, float] = {}

    def timed(name: str, label: str) -> None:
        work: Callable[..., Any] = getattr(extract.Extract, name)

        def wrapper(*arguments: Any, **options: Any) -> Any:
            started = time.monotonic()
            try:
                return work(*arguments, **options)
            finally:
                stages[label] = stages.get(label, 0) + time.monotonic() - started

        setattr(extract.Extract, name, wrapper)

    timed("_load", "load")
    started = time.monotonic()
    summary = PIPELINE.run(
        argparse.Namespace(since=None, full=False, max_requests=None, accept_drop=False)
    )
    seconds = time.monotonic() - started
    figures = {
        "seconds": seconds,
        "fetch": seconds - stages.get("load", 0),
        "load": stages.get("load", 0),
        "rows": summary.rows,
        "requests": summary.requests_used,
    }
    Path(sys.argv[1]).write_text(json.dumps(figures), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
