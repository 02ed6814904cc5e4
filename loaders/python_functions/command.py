"""`dlt pipeline python_functions run`: the last step of every extract, also by hand."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loaders.pipelines import Summary

PROGRESS_SECONDS = 10.0


class _Lines:
    """Writes a progress line when the last one is old enough."""

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, text: str) -> None:
        if time.monotonic() - self._last >= PROGRESS_SECONDS:
            self._last = time.monotonic()
            sys.stderr.write(f"python_functions: {text}\n")
            sys.stderr.flush()


class FunctionsPipeline:
    """The step as the command line sees it."""

    name = "python_functions"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds no options."""

    def is_configured(self) -> bool:
        """Needs nothing but the database."""
        return True

    def run(self, args: argparse.Namespace) -> Summary:
        """Computes the missing results."""
        from loaders.pipelines import Summary
        from loaders.python_functions.results import ensure_results

        said: list[str] = []
        lines = _Lines()

        def progress(text: str) -> None:
            said.append(text)
            del said[:-1]
            lines(text)

        computed = ensure_results(progress)
        summary = Summary(self.name, rows=computed)
        if not computed:
            summary.lines.append(said[-1] if said else "nothing to compute")
        return summary


PIPELINE = FunctionsPipeline()
