"""Builds the models that the Python functions are asked from; results.py runs it as a process.

`python -m loaders.python_functions.requests ARGUMENTS OF dbt` is dbt, but prints one line of JSON:
where each selected model is and what failed, by name. dbt itself writes that into files of all
nodes of the project, which takes it longer than to build the models of a small base.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from dbt.cli.main import dbtRunner

# their text names macros, files and settings; that of other errors may quote a row
TELLING_ERRORS = ("Compilation Error", "Parsing Error", "Runtime Error")


def main(arguments: Sequence[str]) -> int:
    """Runs dbt; returns its exit code."""
    done = dbtRunner().invoke([*arguments, "--quiet", "--no-write-json", "--no-print"])
    results = getattr(done.result, "results", [])
    failed = [each for each in results if each.status == "error"]
    told = {
        "relations": {
            each.node.name: getattr(each.node, "relation_name", None) for each in results
        },
        "failed": [each.node.name for each in failed],
        "reason": "",
    }
    for error in (done.exception, *(each.message for each in failed)):
        lines = [line.strip() for line in str(error or "").splitlines() if line.strip()]
        if lines and lines[0].startswith(TELLING_ERRORS):
            told["reason"] = " ".join(lines[:2])
            break
    sys.stdout.write("\n" + json.dumps(told) + "\n")
    return 0 if done.success else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
