"""The whole migration at several sizes: extract, each dbt layer, publish, delta, rerun.

Each size runs on a throw-away embedded server against a throw-away simulator. Above
`--extract-up-to` records the raw tables are filled by `COPY` instead (benchmarks/direct_raw.py: the
same rows without HTTP and dlt) and the delta is an edit of the raw rows; the report says which.

The yardsticks run in the same session on the same data. What runs beside slows both sides down, so
processor seconds stand next to wall time. Splink is compared in benchmarks/matching.py, since it
needs an environment of its own.

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

from benchmarks import direct_raw, measure, yardsticks
from loaders import database, settings

BIN = Path(sys.executable).parent
SMALL = 2000


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
        + ["--notes-per-card", str(direct_raw.NOTES_PER_CARD)]
        + ["--switch", "quota_limit=1000000000", "--switch", "comment_list_slowness=0"]
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
        if "models/intermediate/matching" in node["original_file_path"]:
            layer = "intermediate: matching"
        found.append(
            {
                "name": node["name"],
                "layer": layer,
                "seconds": result["execution_time"],
                "reused": result["adapter_response"].get("code") == "REUSED",
            }
        )
    return found


def _layers(nodes: list[dict[str, Any]]) -> dict[str, float]:
    sums: dict[str, float] = defaultdict(float)
    for node in nodes:
        sums[node["layer"]] += node["seconds"]
    return {layer: round(seconds, 2) for layer, seconds in sorted(sums.items())}


def _change_share(base_url: str, link: psycopg.Connection[Any], share: float) -> int:
    """Gives a share of the account's cards another description and one more mobile."""
    root = re.sub(r"/rest/?$", "", base_url)
    cards = link.execute(
        "select id, coalesce(payload -> 'phones', '[]') from planfix_raw.contacts "
        "where mod(id, %s) = 0",
        [round(1 / share)],
    ).fetchall()
    with requests.Session() as session:
        for number, phones in cards:
            more = {"type": 1, "number": f"+7 999 {number % 10_000_000:07}"}
            values = {"description": f"Изменено {number}", "phones": [*phones, more]}
            reply = session.post(
                f"{root}/__simulator__/edit", json={"id": number, "set": values}, timeout=600
            )
            reply.raise_for_status()
    return len(cards)


def _environment(found: settings.DatabaseSettings, base_url: str, folder: Path) -> dict[str, str]:
    profiles = folder / "profiles"
    profiles.mkdir()
    shutil.copy(settings.PROJECT_ROOT / "profiles.example.yml", profiles / "profiles.yml")
    return {
        **os.environ,
        **found.environment(),
        "PLANFIX_BASE_URL": base_url,
        "PLANFIX_TOKEN": "simulator-token",
        "PLANFIX_REQUESTS_PER_SECOND": "0",
        "PLANFIX_DAILY_QUOTA": "1000000000",
        "DBT_PROFILES_DIR": str(profiles),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        # they test the code, not the data, and CI runs them
        "DBT_EXCLUDE_RESOURCE_TYPES": "unit_test",
    }


def _counts(link: psycopg.Connection[Any]) -> dict[str, int]:
    found = {}
    for label, table in (
        ("records", "planfix_raw.contacts"),
        ("notes in raw", "planfix_raw.contact_comments"),
        ("trips in raw", "planfix_raw.tasks"),
        ("distinct phones", "python_functions.parse_phone_results"),
        ("distinct e-mails", "python_functions.parse_email_results"),
        ("customers", "riderra.customers"),
        ("contact points", "riderra.customer_contacts"),
        ("notes", "riderra.customer_notes"),
        ("published rows", "migration.published_rows"),
    ):
        if link.execute("select to_regclass(%s)", [table]).fetchone() != (None,):
            row = link.execute(f"select count(*) from {table}").fetchone()
            found[label] = int(row[0]) if row else 0
    row = link.execute("select pg_database_size(current_database()) / 1048576").fetchone()
    found["database MiB"] = int(row[0]) if row else 0
    return found


def run_size(size: int, seed: int, folder: Path, *, is_extracted: bool) -> dict[str, Any]:
    """Runs one size and returns its figures."""
    folder.mkdir(parents=True)
    log = folder / "commands.log"
    figures: dict[str, Any] = {"size": size, "is_extracted": is_extracted}
    with (
        _server(folder) as (found, server),
        _simulator(size if is_extracted else SMALL, seed, folder) as base_url,
    ):
        environment = _environment(found, base_url, folder)
        python, dlt, dbt = sys.executable, str(BIN / "dlt"), str(BIN / "dbt")

        def step(name: str, *arguments: str) -> None:
            sys.stdout.write(f"{size:>9,} {name} … ")
            sys.stdout.flush()
            figures[name] = asdict(measure.command(arguments, server, environment, log))
            sys.stdout.write(f"{figures[name]['seconds']:.1f} s\n")

        def extract(name: str) -> None:
            stages = folder / f"{name}.json"
            step(name, python, "-m", "benchmarks.staged_extract", str(stages))
            figures[f"{name}_stages"] = json.loads(stages.read_text(encoding="utf-8"))

        def build(name: str) -> None:
            step(name, dbt, "build")
            nodes = _nodes(folder / "target")
            figures[f"{name}_layers"] = _layers(nodes)
            figures[f"{name}_nodes"] = sorted(nodes, key=lambda node: -float(node["seconds"]))[:10]
            figures[f"{name}_reused"] = sum(node["reused"] for node in nodes)
            figures[f"{name}_publish"] = sum(
                float(node["seconds"]) for node in nodes if node["name"] == "publish_batches"
            )

        step("crm", python, "-m", "simulator", "crm", "--size", str(size), "--seed", str(seed))
        step("parse", dbt, "parse", "--quiet")
        extract("extract")
        if not is_extracted:
            with psycopg.connect(found.url()) as link:
                direct_raw.fill(link, size, seed)
            with psycopg.connect(found.url(), autocommit=True) as link:
                link.execute("vacuum analyze")
        with psycopg.connect(found.url()) as link:
            figures["copy"] = yardsticks.copy_raw(link, server)
            figures["phonenumbers"] = yardsticks.phonenumbers_pass(link, server)
        step("functions", dlt, "pipeline", "python_functions", "run")
        build("build")
        with psycopg.connect(found.url()) as link:
            figures["counts"] = _counts(link)
            # the CRM's tables, which it copies, are there now
            figures["row_by_row"] = yardsticks.row_by_row_importer(link, server)
        build("rerun")
        if is_extracted:
            with psycopg.connect(found.url()) as link:
                figures["edited"] = _change_share(base_url, link, 0.01)
            extract("delta_extract")
        else:
            with psycopg.connect(found.url()) as link:
                figures["edited"] = direct_raw.edit(link, 0.01)
        step("delta_functions", dlt, "pipeline", "python_functions", "run")
        build("delta")
    return figures


def _seconds(figures: dict[str, Any], *names: str) -> float:
    return sum(float(figures[name]["seconds"]) for name in names)


def _cpu(figures: dict[str, Any], *names: str) -> float:
    parts = ("client_cpu", "server_cpu")
    return sum(float(figures[name][part]) for name in names for part in parts)


def ratios(figures: dict[str, Any]) -> list[tuple[str, float, float, str]]:
    """Returns the ratios that the targets are about: name, by wall time, by processor time, target.

    By processor time our work counts as spread over all cores of the machine, the yardsticks' as
    they are: what an idle machine would show if nothing but the processor were short.
    """
    ours = ("functions", "build")
    changed = ("delta_functions", "delta")
    wall, cpu = _seconds(figures, *ours), _cpu(figures, *ours)
    cores = os.cpu_count() or 1
    importer = figures["row_by_row"]
    bound = [figures["copy"], figures["phonenumbers"]]
    return [
        (
            "raw to live / (COPY + phonenumbers)",
            wall / sum(one["seconds"] for one in bound),
            cpu / cores / sum(one["cpu"] for one in bound),
            "< 6",
        ),
        (
            "records per second / row-by-row importer",
            figures["size"] / wall * importer["seconds"] / importer["records"],
            figures["size"] / (cpu / cores) * importer["cpu"] / importer["records"],
            "> 100",
        ),
        (
            "no-change rerun / raw to live",
            _seconds(figures, "rerun") / wall,
            _cpu(figures, "rerun") / cpu,
            "< 0.25",
        ),
        (
            "delta of 1 % / raw to live",
            _seconds(figures, *changed) / wall,
            _cpu(figures, *changed) / cpu,
            "< 0.35",
        ),
    ]


def _table(header: str, rows: Sequence[str]) -> list[str]:
    columns = header.split(" | ")
    marks = ["---:" if column in _NUMERIC else "---" for column in columns]
    return ["", f"| {header} |", f"| {' | '.join(marks)} |", *rows]


_NUMERIC = frozenset(
    (
        "size",
        "by wall time",
        "by CPU time",
        "wall s",
        "client CPU s",
        "server CPU s",
        "records/s",
        "server MiB",
    )
    + ("client MiB", "written MiB", "target", "s", "count")
)


def report(all_figures: list[dict[str, Any]]) -> str:
    """Returns the figures as Markdown."""
    lines = [
        f"{platform.machine()}, {os.cpu_count()} cores, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB, Python {platform.python_version()}",
    ]
    rows = []
    for figures in all_figures:
        for name in ("parse", "extract", "functions", "build", "rerun"):
            rows.append(_step_row(figures, name))
        for name in ("delta_extract", "delta_functions", "delta"):
            if name in figures:
                rows.append(_step_row(figures, name))
    lines += _table(
        "size | step | wall s | client CPU s | server CPU s | records/s | server MiB "
        "| client MiB | written MiB",
        rows,
    )
    rows = []
    for figures in all_figures:
        size = f"{figures['size']:,}"
        rows += [
            f"| {size} | {name} | {wall:.2f} | {cpu:.2f} | {target} |"
            for name, wall, cpu, target in ratios(figures)
        ]
    for before, after in itertools.pairwise(all_figures):
        steps = ("functions", "build")
        growth = _seconds(after, *steps) / _seconds(before, *steps)
        growth_cpu = _cpu(after, *steps) / _cpu(before, *steps)
        target = f"≤ {1.1 * after['size'] / before['size']:.0f}"
        rows.append(
            f"| {before['size']:,} → {after['size']:,} | growth, raw to live "
            f"| {growth:.2f} | {growth_cpu:.2f} | {target} |"
        )
    lines += _table("size | ratio | by wall time | by CPU time | target", rows)
    for figures in all_figures:
        lines += _details(figures)
    return "\n".join(lines) + "\n"


def _step_row(figures: dict[str, Any], name: str) -> str:
    one = figures[name]
    is_small = name == "extract" and not figures["is_extracted"]
    size = SMALL if is_small else figures["size"]
    return (
        f"| {figures['size']:,} | {name}{f' (of {SMALL:,}; the rest by COPY)' if is_small else ''} "
        f"| {one['seconds']:.1f} | {one['client_cpu']:.1f} | {one['server_cpu']:.1f} "
        f"| {size / one['seconds']:,.0f} | {one['server_mb']:.0f} "
        f"| {one['client_mb']:.0f} | {one['written_mb']:.0f} |"
    )


def _details(figures: dict[str, Any]) -> list[str]:
    copy, phones, importer = figures["copy"], figures["phonenumbers"], figures["row_by_row"]
    stages = figures["extract_stages"]
    published = figures["counts"].get("published rows", 0)
    lines = [
        "",
        f"## {figures['size']:,} records",
        "",
        "; ".join(f"{label} {count:,}" for label, count in figures["counts"].items()) + ".",
        "",
        f"- `COPY` of {copy['bytes'] / 2**20:,.0f} MiB: {copy['seconds']:.1f} s, "
        f"CPU {copy['cpu']:.1f} s",
        f"- phonenumbers over {phones['phones']:,} distinct phones on one core: "
        f"{phones['seconds']:.1f} s, CPU {phones['cpu']:.1f} s",
        f"- row-by-row importer: {importer['records'] / importer['seconds']:,.0f} records/s, "
        f"CPU {importer['cpu'] / importer['records'] * 1000:.2f} ms a record",
        f"- extract: fetch {stages['fetch']:.1f} s, load {stages['load']:.1f} s, "
        f"{stages['requests']:,} requests",
        f"- publish: {published:,} rows in {figures['build_publish']:.1f} s; tables left as they "
        f"were: {figures['rerun_reused']} in the rerun, {figures['delta_reused']} in the delta "
        f"of {figures['edited']:,} cards",
    ]
    for name in ("build", "rerun", "delta"):
        layers = ", ".join(f"{layer} {s:.1f}" for layer, s in figures[f"{name}_layers"].items())
        lines.append(f"- seconds by layer, {name} (two at a time): {layers}")
    rows = [
        f"| {node['seconds']:.1f} | {node['layer']} | {node['name']} |"
        for node in figures["build_nodes"]
    ]
    return lines + _table("s | layer | slowest nodes of the build", rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--extract-up-to", type=int, default=100_000)
    parser.add_argument("--out", type=Path, help="folder for bench.json and bench.md")
    options = parser.parse_args(arguments)
    out = options.out or settings.local_dir() / "bench"
    out.mkdir(parents=True, exist_ok=True)
    all_figures = []
    for size in [int(text) for text in options.sizes.split(",")]:
        with tempfile.TemporaryDirectory(prefix="riderra-bench-") as folder:
            all_figures.append(
                run_size(
                    size,
                    options.seed,
                    Path(folder) / "run",
                    is_extracted=size <= options.extract_up_to,
                )
            )
        (out / "bench.json").write_text(json.dumps(all_figures, indent=1), encoding="utf-8")
        (out / "bench.md").write_text(report(all_figures), encoding="utf-8")
    sys.stdout.write("\n" + report(all_figures) + f"\nwritten to {out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
