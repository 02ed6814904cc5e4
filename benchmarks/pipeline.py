"""The whole migration at several sizes: extract, each dbt layer, publish, delta, rerun.

Each size runs on a throw-away embedded server against a throw-away simulator. Splink runs from an
environment of its own (see benchmarks/matching.py); without it that yardstick is left out and the
report says so.

Run it as `python -m benchmarks.pipeline --sizes 10000,100000,1000000`.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import platform
import re
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import psycopg
import requests

from benchmarks import measure, yardsticks
from loaders import database, settings

BIN = Path(sys.executable).parent
LAYERS = ("functions", "seeds", "staging", "intermediate", "ready", "quality", "publish")


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[tuple[settings.DatabaseSettings, psutil.Process]]:
    os.environ["RIDERRA_LOCAL_DIR"] = str(folder)
    found = database.start()
    pid = (folder / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0]
    try:
        yield found, psutil.Process(int(pid))
    finally:
        database.clean()
        del os.environ["RIDERRA_LOCAL_DIR"]


@contextlib.contextmanager
def _simulator(size: int, seed: int, folder: Path) -> Iterator[str]:
    port_file = folder / "port"
    process = psutil.Popen(
        [sys.executable, "-m", "simulator", "serve", "--size", str(size), "--seed", str(seed)]
        + ["--port-file", str(port_file)],
        stdout=(folder / "simulator.log").open("w"),
        stderr=-2,
    )
    try:
        while not (port_file.exists() and port_file.read_text().strip()):
            if process.poll() is not None:
                raise RuntimeError(f"the simulator stopped; see {folder / 'simulator.log'}")
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port_file.read_text().strip()}/rest/"
    finally:
        process.terminate()
        process.wait(30)


def _nodes(target: Path) -> list[dict[str, Any]]:
    """Returns seconds, layer and name of each node of the last dbt build."""
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    nodes = {**manifest["nodes"], **manifest["functions"]}
    found = []
    for result in results:
        node = nodes.get(result["unique_id"])
        if node is None:
            continue
        kind = node["resource_type"]
        layer = "tests" if kind in {"test", "unit_test"} else str(node["schema"])
        found.append({"name": node["name"], "layer": layer, "seconds": result["execution_time"]})
    return found


def _layers(nodes: list[dict[str, Any]]) -> dict[str, float]:
    sums: dict[str, float] = defaultdict(float)
    for node in nodes:
        sums[node["layer"]] += node["seconds"]
    return {layer: round(seconds, 2) for layer, seconds in sorted(sums.items())}


def _change_share(base_url: str, share: float) -> int:
    """Edits a share of the account's contacts and returns how many."""
    root = re.sub(r"/rest/?$", "", base_url)
    reply = requests.post(f"{root}/__simulator__/edit", json={"share": share}, timeout=600)
    reply.raise_for_status()
    return int(reply.json().get("edited", 0))


def run_size(size: int, seed: int, folder: Path) -> dict[str, Any]:
    """Runs one size and returns its figures."""
    folder.mkdir(parents=True)
    log = folder / "commands.log"
    figures: dict[str, Any] = {"size": size}
    with (
        _server(folder) as (found, server),
        _simulator(size, seed, folder) as base_url,
    ):
        profiles = folder / "profiles"
        profiles.mkdir()
        shutil.copy(settings.PROJECT_ROOT / "profiles.example.yml", profiles / "profiles.yml")
        environment = {
            **os.environ,
            **found.environment(),
            "PLANFIX_BASE_URL": base_url,
            "PLANFIX_TOKEN": "simulator-token",
            "PLANFIX_REQUESTS_PER_SECOND": "100000",
            "PLANFIX_DAILY_QUOTA": "100000000",
            "DBT_PROFILES_DIR": str(profiles),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
        }
        dlt, dbt = str(BIN / "dlt"), str(BIN / "dbt")

        def step(name: str, *arguments: str) -> None:
            sys.stdout.write(f"{size:>9,} {name} … ")
            sys.stdout.flush()
            figures[name] = asdict(measure.command(arguments, server, environment, log))
            sys.stdout.write(f"{figures[name]['seconds']:.1f} s\n")

        step("parse", dbt, "parse", "--quiet")
        step("extract", dlt, "pipeline", "planfix", "run")
        step("build", dbt, "build")
        figures["nodes"] = sorted(
            _nodes(folder / "target"), key=lambda node: -float(node["seconds"])
        )[:10]
        figures["layers"] = _layers(_nodes(folder / "target"))
        step("rerun", dbt, "build")
        figures["edited"] = _change_share(base_url, 0.01)
        step("delta_extract", dlt, "pipeline", "planfix", "run")
        step("delta", dbt, "build")
        with psycopg.connect(found.url()) as link:
            figures["copy"] = dict(
                zip(("seconds", "bytes"), yardsticks.copy_raw(link), strict=True)
            )
            figures["phonenumbers"] = dict(
                zip(("seconds", "phones"), yardsticks.phonenumbers_pass(link), strict=True)
            )
            figures["row_by_row"] = dict(
                zip(("seconds", "records"), yardsticks.row_by_row_importer(link), strict=True)
            )
            row = link.execute("select count(*) from riderra.customers").fetchone()
            figures["customers"] = row[0] if row else 0
    return figures


def ratios(figures: dict[str, Any]) -> dict[str, float]:
    """Returns the figures that the targets are about, as ratios."""
    build = figures["build"]["seconds"]
    yardstick = figures["copy"]["seconds"] + figures["phonenumbers"]["seconds"]
    importer = figures["row_by_row"]["records"] / figures["row_by_row"]["seconds"]
    return {
        "build / (copy + phonenumbers)": build / yardstick,
        "records per second / row-by-row importer": figures["size"] / build / importer,
        "rerun / build": figures["rerun"]["seconds"] / build,
        "delta of 1 % / build": figures["delta"]["seconds"] / build,
    }


def report(all_figures: list[dict[str, Any]]) -> str:
    """Returns the figures as Markdown."""
    lines = [
        f"{platform.machine()}, {os.cpu_count()} cores, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB, Python {platform.python_version()}",
        "",
        "| size | step | s | records/s | server MiB | client MiB | written MiB |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for figures in all_figures:
        for name in ("extract", "build", "rerun", "delta_extract", "delta"):
            one = figures[name]
            lines.append(
                f"| {figures['size']:,} | {name} | {one['seconds']:.1f} "
                f"| {figures['size'] / one['seconds']:,.0f} | {one['server_mb']:.0f} "
                f"| {one['client_mb']:.0f} | {one['written_mb']:.0f} |"
            )
    lines += ["", "| size | ratio | value |", "| ---: | --- | ---: |"]
    for figures in all_figures:
        lines += [
            f"| {figures['size']:,} | {name} | {value:.2f} |"
            for name, value in ratios(figures).items()
        ]
    for before, after in itertools.pairwise(all_figures):
        growth = after["build"]["seconds"] / before["build"]["seconds"]
        lines.append(f"| {before['size']:,} → {after['size']:,} | growth of build | {growth:.2f} |")
    for figures in all_figures:
        lines += ["", f"Ten slowest nodes at {figures['size']:,}:", ""]
        lines += [
            f"- {node['seconds']:.1f} s {node['layer']}.{node['name']}" for node in figures["nodes"]
        ]
        lines += ["", "Seconds by layer: " + json.dumps(figures["layers"])]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--out", type=Path, help="folder for bench.json and bench.md")
    options = parser.parse_args(arguments)
    out = options.out or settings.local_dir() / "bench"
    out.mkdir(parents=True, exist_ok=True)
    all_figures = []
    for size in [int(text) for text in options.sizes.split(",")]:
        with tempfile.TemporaryDirectory(prefix="riderra-bench-") as folder:
            all_figures.append(run_size(size, options.seed, Path(folder) / "run"))
        (out / "bench.json").write_text(json.dumps(all_figures, indent=1), encoding="utf-8")
        (out / "bench.md").write_text(report(all_figures), encoding="utf-8")
    sys.stdout.write("\n" + report(all_figures) + f"\nwritten to {out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
