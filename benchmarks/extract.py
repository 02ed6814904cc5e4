"""How fast the extract is, what it costs in requests and memory, beside a plain loop.

Starts a simulator without limits (eight custom fields on every contact), pulls the same account

- with a plain sequential loop of `requests` that throws the rows away (the yardstick), and
- with `dlt pipeline planfix run` into a database of its own, once per size,

and prints rows per second, requests per record, seconds per stage, peak memory and the processor
time of each: the rest of the time is spent waiting for the simulator or the database.

    python -m benchmarks.extract [--sizes 10000 100000] [--concurrency 4] [--with-notes]

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

import psycopg
import requests
from psycopg import sql

from loaders import database as embedded
from loaders import settings
from loaders.planfix import api

ROOT = settings.PROJECT_ROOT
TOKEN = "simulator-token"  # noqa: S105
CHILD = """
import argparse, json, resource, sys, time
from loaders.planfix.command import PIPELINE
from loaders import pipelines
from loaders.planfix import extract
from dlt.pipeline.pipeline import Pipeline
stages = {}
def timed(owner, name, label):
    work = getattr(owner, name)
    def wrapper(*args, **kwargs):
        started = time.monotonic()
        try:
            return work(*args, **kwargs)
        finally:
            stages[label] = stages.get(label, 0) + time.monotonic() - started
    setattr(owner, name, wrapper)
timed(extract.Extract, "_fetch_base", "fetch")
timed(Pipeline, "extract", "dlt extract")
timed(Pipeline, "normalize", "normalise")
timed(Pipeline, "load", "load")
timed(extract.Extract, "_compare_with_raw", "audit")
import_cpu = time.process_time()
started = time.monotonic()
summary = PIPELINE.run(argparse.Namespace(since=None, full=True, max_requests=None,
                                          accept_drop=False))
print(json.dumps({
    "seconds": time.monotonic() - started,
    "cpu": time.process_time() - import_cpu,
    "rows": summary.rows,
    "used": summary.requests_used,
    "floor": summary.requests_floor,
    "stages": stages,
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


def start_simulator(size: int, folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    port_file = folder / f"port-{size}"
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "serve", "--size", str(size), "--dense"]
        + ["--port-file", str(port_file), "--switch", "quota_limit=100000000"]
        + ["--switch", "comment_list_slowness=0"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    while not (port_file.exists() and port_file.read_text().strip()):
        if process.poll() is not None:
            raise SystemExit("the simulator did not start")
        time.sleep(0.2)
    return process, f"http://127.0.0.1:{port_file.read_text().strip()}/rest/"


def plain_loop(base_url: str) -> tuple[float, float, int, int]:
    """Pulls all contacts page by page; returns seconds, processor seconds, rows and requests."""
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {TOKEN}"
    started, cpu = time.monotonic(), time.process_time()
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
    return time.monotonic() - started, time.process_time() - cpu, rows, sent


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


def our_extract(
    base_url: str, found: settings.DatabaseSettings, folder: Path, options: argparse.Namespace
) -> dict[str, Any]:
    skip = "" if options.with_notes else "tasks,data_tags,directories,notes"
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
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
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--with-notes", action="store_true", help="everything, not contacts only")
    options = parser.parse_args()
    settings.load_dotenv()
    server = settings.configured_database() or embedded.start()
    peaks = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in options.sizes:
            process, base_url = start_simulator(size, folder)
            try:
                seconds, cpu, rows, sent = plain_loop(base_url)
                print(
                    f"{size:>9,} records | plain loop  {rows / seconds:>7,.0f} rows/s"
                    f" | {seconds:6.1f} s, cpu {cpu:.1f} s | {sent / rows:.4f} requests a record"
                )
                found = make_database(server)
                try:
                    ours = our_extract(base_url, found, folder, options)
                finally:
                    drop_database(found)
                loaded = ours["rows"]["contacts"]
                total = sum(ours["rows"].values()) - ours["rows"].get("id_sweep", 0)
                stages = ", ".join(f"{k} {v:.1f} s" for k, v in ours["stages"].items())
                print(
                    f"{size:>9,} records | the extract {loaded / ours['seconds']:>7,.0f} rows/s"
                    f" | {ours['seconds']:6.1f} s, cpu {ours['cpu']:.1f} s"
                    f" | {ours['used'] / total:.4f} requests a record"
                    f" | used {ours['used']:,}, floor {ours['floor']:,}"
                    f" | {stages} | peak {ours['peak_mb']:.0f} MB"
                )
                assert loaded == rows, "the extract and the loop differ"
                peaks.append(ours["peak_mb"])
            finally:
                process.terminate()
                process.wait()
    if len(peaks) > 1:
        print(f"memory, largest to smallest account: {peaks[-1] / peaks[0]:.2f} times")


if __name__ == "__main__":
    main()
