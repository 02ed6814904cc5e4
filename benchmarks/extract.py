"""How fast the extract is, what it costs in requests and memory, beside a plain loop.

Starts a simulator without limits (eight custom fields on every contact), pulls the same account

- with a plain sequential loop of `requests` that throws the rows away (the yardstick), and
- with `dlt pipeline planfix run` into a database of its own, once per size,

and prints rows per second, requests per record, peak memory, and per stage the seconds and the
processor time of client, simulator and database server: whoever is busy all the time is what bounds
the stage. One more round has a source that takes its time, as every real one does.

    python -m benchmarks.extract [--sizes 10000 100000] [--concurrency 4] [--latency 50]

The database is made on the server of DATABASE_URL or PG*, else on the embedded one, and dropped.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import psycopg
import requests
from psycopg import sql

from benchmarks.measure import server_cpu
from loaders import database as embedded
from loaders import settings
from loaders.planfix import api

ROOT = settings.PROJECT_ROOT
TOKEN = "simulator-token"  # noqa: S105
STAGES = ("fetch", "dlt extract", "dlt normalise", "dlt load", "audit")


def start_simulator(
    size: int, folder: Path, latency: int = 0
) -> tuple[subprocess.Popen[bytes], str]:
    """Starts a simulator without limits whose replies take some milliseconds more."""
    port_file = folder / f"port-{size}-{latency}"
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "serve", "--size", str(size), "--dense"]
        + ["--port-file", str(port_file), "--switch", "quota_limit=100000000"]
        + ["--switch", "comment_list_slowness=0", "--switch", f"latency_ms={latency}"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    while not (port_file.exists() and port_file.read_text().strip()):
        if process.poll() is not None:
            raise SystemExit("the simulator did not start")
        time.sleep(0.2)
    return process, f"http://127.0.0.1:{port_file.read_text().strip()}/rest/"


def plain_loop(base_url: str, simulator: psutil.Process) -> dict[str, float]:
    """Pulls all contacts page by page; returns what that took."""
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {TOKEN}"
    started, cpu, simulated = time.monotonic(), time.process_time(), server_cpu(simulator)
    reply = session.get(base_url + "customfield/contact", params={"fields": "id"}, timeout=60)
    ids = [field["id"] for field in reply.json()["customfields"]]
    rows, sent = 0, 1
    for is_company in (False, True):
        offset = 0
        while True:
            body = {
                "offset": offset,
                "pageSize": 100,
                "isCompany": is_company,
                "filters": [api.is_company_filter(is_company)],
                "fields": api.joined([*api.CONTACT_FIELDS, *ids]),
            }
            page = session.post(base_url + "contact/list", json=body, timeout=60).json()
            sent += 1
            rows += len(page["contacts"])
            offset += 100
            if len(page["contacts"]) < 100:
                break
    return {
        "seconds": time.monotonic() - started,
        "client": time.process_time() - cpu,
        "simulator": server_cpu(simulator) - simulated,
        "rows": rows,
        "requests": sent,
    }


def make_database(server: settings.DatabaseSettings) -> settings.DatabaseSettings:
    name = f"bench_{os.getpid()}_{time.monotonic_ns() % 100_000}"
    with psycopg.connect(replace(server, dbname="postgres").url(), autocommit=True) as link:
        link.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return replace(server, dbname=name)


def drop_database(found: settings.DatabaseSettings) -> None:
    with psycopg.connect(replace(found, dbname="postgres").url(), autocommit=True) as link:
        link.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(found.dbname))
        )


def postmaster(found: settings.DatabaseSettings) -> int | None:
    """Returns the server's first process when it runs on this machine."""
    with psycopg.connect(found.url()) as link:
        backend = link.info.backend_pid
        try:
            process = psutil.Process(backend).parent()
        except psutil.NoSuchProcess:
            return None
        return process.pid if process and "postgres" in process.name() else None


def our_extract(
    base_url: str,
    found: settings.DatabaseSettings,
    folder: Path,
    options: argparse.Namespace,
    simulator: int,
) -> dict[str, Any]:
    """Runs the extract in a process of its own."""
    skip = "" if options.with_notes else "tasks,data_tags,directories,notes"
    file = folder / f"{found.dbname}.json"
    watched = [f"simulator={simulator}"]
    if server := postmaster(found):
        watched.append(f"server={server}")
    subprocess.run(
        [sys.executable, "-m", "benchmarks.staged_extract", str(file), "--full"]
        + ["--watch", *watched],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": found.url(),
            "RIDERRA_LOCAL_DIR": str(folder / f"local-{found.dbname}"),
            "PLANFIX_BASE_URL": base_url,
            "PLANFIX_TOKEN": TOKEN,
            "PLANFIX_REQUESTS_PER_SECOND": "0",
            "PLANFIX_CONCURRENCY": str(options.concurrency),
            "PLANFIX_SKIP": skip,
        },
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return dict(json.loads(file.read_text(encoding="utf-8")))


def line(name: str, figures: dict[str, float]) -> str:
    """Writes one row of the table."""
    cells = [figures.get(each) for each in ("seconds", "client", "simulator", "server")]
    return f"  {name:<14}" + "".join(
        f"{'-':>11}" if value is None else f"{value:>11.1f}" for value in cells
    )


def report(size: int, latency: int, loop: dict[str, float], ours: dict[str, Any]) -> None:
    """Prints both ways side by side."""
    loaded = ours["rows"]["contacts"]
    total = sum(ours["rows"].values()) - ours["rows"].get("id_sweep", 0)
    print(f"{size:,} records" + (f", {latency} ms a reply" if latency else ""))
    print(f"  {'':<14}{'seconds':>11}{'client cpu':>11}{'simulator':>11}{'server':>11}")
    print(line("plain loop", loop))
    print(line("the extract", ours["total"]))
    for stage in STAGES:
        if stage in ours["stages"]:
            print(line(f"  {stage}", ours["stages"][stage]))
    print(
        f"  rows a second: plain loop {loop['rows'] / loop['seconds']:,.0f}, "
        f"the extract {loaded / ours['seconds']:,.0f}"
        f" (fetching alone {loaded / ours['stages']['fetch']['seconds']:,.0f})"
    )
    print(
        f"  requests a record: plain loop {loop['requests'] / loop['rows']:.4f}, "
        f"the extract {ours['requests'] / total:.4f}"
        f" ({ours['requests']:,} used, floor {ours['floor']:,})"
    )
    print(f"  peak memory {ours['peak_mb']:.0f} MB", flush=True)


def main() -> None:
    """Runs both ways at each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument(
        "--latency",
        type=int,
        default=50,
        help="milliseconds a reply takes in one more round of the smallest size; 0 for none",
    )
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--with-notes", action="store_true", help="everything, not contacts only")
    options = parser.parse_args()
    settings.load_dotenv()
    server = settings.configured_database() or embedded.start()
    peaks = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rounds = [(size, 0) for size in options.sizes]
        if options.latency:
            rounds.append((min(options.sizes), options.latency))
        for size, latency in rounds:
            process, base_url = start_simulator(size, folder, latency)
            try:
                loop = plain_loop(base_url, psutil.Process(process.pid))
                found = make_database(server)
                try:
                    ours = our_extract(base_url, found, folder, options, process.pid)
                finally:
                    drop_database(found)
                report(size, latency, loop, ours)
                if ours["rows"]["contacts"] != loop["rows"]:
                    raise SystemExit("the extract and the loop differ")
                if not latency:
                    peaks.append(ours["peak_mb"])
            finally:
                process.terminate()
                process.wait()
    if len(peaks) > 1:
        print(f"memory, largest to smallest account: {peaks[-1] / peaks[0]:.2f} times")


if __name__ == "__main__":
    main()
