"""All benchmarks behind one command: `python -m benchmarks [pipeline options] [--only NAME]`.

Without options: the pipeline at 10,000, 100,000 and 1,000,000 records, hours on two cores. With
`--only` others run (or the pipeline among them), each with its own defaults:

    pipeline   the whole way at several sizes, with yardsticks and ratios
    extract    the extract beside a plain loop of requests
    functions  the Python functions per core, on all cores, in the database
    matching   precision, recall and speed of the matching, beside Splink

`make bench BENCH_ARGS="--sizes 10000"` is the quick way to see that all works.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

NAMES = ("pipeline", "extract", "functions", "matching")


def main() -> int:
    """Runs the chosen benchmarks one after another; returns the first exit code that is not 0."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
    )
    parser.add_argument("--help", "-h", action="help")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=["pipeline"])
    options, rest = parser.parse_known_args()
    for name in options.only:
        own = rest if name == "pipeline" else []
        code = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}", *own], check=False
        ).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
