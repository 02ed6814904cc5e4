"""Matching against Splink and against joining by phone and mail: quality, review and time.

Each size is a labelled base of its own (benchmarks/matching_base.py), loaded where the matching
models read, on a throw-away embedded server or on the one given. Splink gets the same records,
folded by the same models, on the same machine, one after the other. It is a dependency of this
benchmark only: benchmarks/splink.lock, installed into an environment of its own; where that cannot
be installed, its rows are left out and the report says so.

Two clocks, both wall time. "From prepared records" is matching alone: for Splink training,
prediction and clustering of one threshold, in memory, on the table of folded records; for us all
models from those records to the tables of links and clusters, dbt between them included. "From
cards" adds to both the models of ours that fold names and collect keys, employers and trips. In
neither are review and explanations, nor the time in which Splink's records are written to CSV, read
and made a table.

Run it as `python -m benchmarks.matching --sizes 10000,100000,1000000`.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks import matching_delta, matching_inputs, matching_models
from benchmarks.matching_base import make_base
from loaders import database, settings

LOCK = Path(__file__).with_name("splink.lock")
RECORDS = """
copy (
    with
    points as (
        select
            planfix_id,
            string_agg(key_value, ' ') filter (where key_kind = 'phone') as phones,
            string_agg(key_value, ' ') filter (where key_kind = 'email') as emails
        from intermediate.int_match_identifiers__collected
        where not is_from_trip and key_value not like '%;ext=%'
        group by planfix_id
    ),
    employers as (
        select planfix_id, string_agg(employer_key, '|') as employers
        from intermediate.int_match_employers__keyed
        group by planfix_id
    ),
    trips as (
        select planfix_id, string_agg(distinct pickup_at::text, '|') as trips
        from intermediate.int_match_trips__attributed
        where is_recent
        group by planfix_id
    )
    select
        records.planfix_id,
        coalesce(names.given_key, names.given_initial) as given,
        coalesce(nullif(names.surname_text, ''), names.surname_initial) as surname,
        names.patronymic,
        names.full_name_key as full_name,
        records.birth_date,
        points.phones,
        points.emails,
        employers.employers,
        trips.trips
    from intermediate.int_match_records__prepared as records
    left join intermediate.int_match_names__parsed as names
        on records.planfix_id = names.planfix_id
    left join points on records.planfix_id = points.planfix_id
    left join employers on records.planfix_id = employers.planfix_id
    left join trips on records.planfix_id = trips.planfix_id
    where records.kind = 'person'
) to stdout (format csv, header)
"""

# what everybody writes first: one phone or mail in common is one person
NAIVE = """
create unlogged table bench.naive as
with
points as (
    select
        records.record_number,
        collected.key_kind || ':' || collected.key_value as point,
        count(*) over (partition by collected.key_kind, collected.key_value) as holders
    from intermediate.int_match_identifiers__collected as collected
    inner join intermediate.int_match_records__prepared as records
        on collected.planfix_id = records.planfix_id
    where
        collected.key_kind in ('phone', 'email')
        and not collected.is_from_trip
        and collected.kind = 'person'
),
edges as (
    select
        array_agg(first_number) as left_numbers,
        array_agg(record_number) as right_numbers
    from (
        select
            record_number,
            min(record_number) over (partition by point) as first_number
        from points
        where holders between 2 and %(most)s
    ) as stars
)
select records.planfix_id, labels.component as cluster_id
from edges
cross join lateral unnest(intermediate.connected_components(
    edges.left_numbers, edges.right_numbers,
    (select count(*)::int from intermediate.int_match_records__prepared)
)) with ordinality as labels (component, record_number)
inner join intermediate.int_match_records__prepared as records
    on labels.record_number = records.record_number
"""

# the share of true pairs that any rule of this kind can find
CEILINGS = """
with
true_pairs as materialized (
    select one.planfix_id as left_id, other.planfix_id as right_id
    from bench.truth as one
    inner join bench.truth as other
        on one.entity_id = other.entity_id and one.planfix_id < other.planfix_id
    where one.kind = 'person'
),
by_key as (
    select distinct true_pairs.*
    from true_pairs
    inner join intermediate.int_match_identifiers__collected as one
        on true_pairs.left_id = one.planfix_id
    inner join intermediate.int_match_identifiers__collected as other
        on
            true_pairs.right_id = other.planfix_id
            and one.key_kind = other.key_kind
            and one.key_value = other.key_value
    where one.key_kind in ('phone', 'email') and not one.is_from_trip and not other.is_from_trip
),
by_name as materialized (
    select true_pairs.*
    from true_pairs
    inner join intermediate.int_match_records__prepared as one
        on true_pairs.left_id = one.planfix_id
    inner join intermediate.int_match_records__prepared as other
        on true_pairs.right_id = other.planfix_id and one.full_name_key = other.full_name_key
),
by_support as (
    select by_name.*
    from by_name
    inner join intermediate.int_match_employers__keyed as one
        on by_name.left_id = one.planfix_id
    inner join intermediate.int_match_employers__keyed as other
        on by_name.right_id = other.planfix_id and one.employer_key = other.employer_key

    union

    select by_name.*
    from by_name
    inner join intermediate.int_match_trips__attributed as one
        on by_name.left_id = one.planfix_id
    inner join intermediate.int_match_trips__attributed as other
        on by_name.right_id = other.planfix_id and one.pickup_at = other.pickup_at
),
supported as (
    select * from by_key
    union
    select * from by_support
)
select
    (select count(*) from by_key)::float8 / count(*),
    (select count(*) from supported)::float8 / count(*)
from true_pairs
"""


def splink_python(home: Path) -> Path | None:
    """Returns the Python of Splink's environment, made when it is not there; else None."""
    python = home / "bin" / "python"
    if not (home / ".installed").exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
            subprocess.run(
                [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
                + ["--require-hashes", "-r", str(LOCK)],
                check=True,
            )
        except subprocess.CalledProcessError:
            return None
        (home / ".installed").touch()
    return python


def _server_cpu(pid: int | None) -> float:
    """Seconds of processor time of all sessions that have ended on a server of our own."""
    if pid is None:
        return 0.0
    spent = psutil.Process(pid).cpu_times()
    return float(spent.children_user + spent.children_system)


@contextlib.contextmanager
def _throw_away_server(folder: Path) -> Iterator[str]:
    previous = os.environ.get("RIDERRA_LOCAL_DIR")
    os.environ["RIDERRA_LOCAL_DIR"] = str(folder)
    try:
        yield database.start().url().rpartition("/")[0] + "/postgres"
    finally:
        database.clean()
        del os.environ["RIDERRA_LOCAL_DIR"]
        if previous is not None:
            os.environ["RIDERRA_LOCAL_DIR"] = previous


def _row(system: str, found: matching_models.Score, seconds: float, **more: Any) -> dict[str, Any]:
    return {
        "system": system,
        "precision": found.precision,
        "recall": found.recall,
        "f1": found.f1,
        "mixed": found.mixed,
        "largest": found.largest,
        "seconds": seconds,
        **more,
    }


def _naive(link: psycopg.Connection, most: int) -> tuple[matching_models.Score, float]:
    link.execute("drop table if exists bench.naive")
    started = time.perf_counter()
    link.execute(NAIVE.replace("%(most)s", str(most)))
    seconds = time.perf_counter() - started
    link.execute("analyze bench.naive")
    return matching_models.score(link, "bench.naive"), seconds


def _splink(
    link: psycopg.Connection, python: Path, folder: Path, prepared: float
) -> list[dict[str, Any]]:
    with (
        (folder / "records.csv").open("wb") as out,
        link.cursor().copy(RECORDS) as rows,  # type: ignore[arg-type]
    ):
        for chunk in rows:
            out.write(chunk)
    script = Path(__file__).with_name("matching_splink.py")
    done = subprocess.run(
        [str(python), str(script), str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.stdout.write(f"Splink failed: {done.stderr.strip().splitlines()[-1:]}\n")
        return []
    scored = []
    for run in json.loads((folder / "splink.json").read_text(encoding="utf-8"))["runs"]:
        link.execute("drop table if exists bench.splink")
        link.execute("create unlogged table bench.splink (planfix_id bigint, cluster_id text)")
        with link.cursor().copy("copy bench.splink from stdin (format csv, header)") as copy:
            copy.write((folder / f"clusters_{run['weight']}.csv").read_bytes())
        link.execute("analyze bench.splink")
        found = matching_models.score(link, "bench.splink")
        scored.append(
            _row(
                f"Splink, match weight ≥ {run['weight']}", found, prepared + run["seconds"],
                alone=run["seconds"], training=run["training"],
            )
        )  # fmt: skip
    best = max(scored, key=lambda row: float(row["f1"]))
    strict = max(scored, key=lambda row: (float(row["precision"]), float(row["f1"])))
    best["system"] += " (its best F1)"
    if strict is not best:
        strict["system"] += " (its best precision)"
        return [best, strict]
    return [best]


def run_size(
    server_url: str,
    size: int,
    seed: int,
    folder: Path,
    python: Path | None,
    server_pid: int | None = None,
    *,
    with_delta: bool = False,
) -> dict[str, Any]:
    """Runs one size and returns its figures."""
    folder.mkdir(parents=True)
    name = f"bench_matching_{os.getpid()}_{size}"
    url = matching_models.new_database(server_url, name)
    base = make_base(size, seed)
    try:
        with psycopg.connect(url, autocommit=True) as link:
            matching_inputs.load(link, base)
        before, started = _server_cpu(server_pid), time.perf_counter()
        matching_models.build(url, folder)
        wall, spent = time.perf_counter() - started, _server_cpu(server_pid) - before
        built = matching_models.nodes(folder)
        clocks = matching_models.clocks(built)
        with psycopg.connect(url, autocommit=True) as link:
            ceilings = link.execute(CEILINGS).fetchone()
            assert ceilings is not None
            asked = matching_models.review(link)
            ours = matching_models.score(link, "intermediate.int_clusters__final")
            companies = matching_models.score(link, "intermediate.int_clusters__final", "company")
            rows = [
                _row(
                    "this project", ours, clocks.to_clusters, alone=clocks.matching,
                    review=asked["share"], same=asked["same"],
                ),
            ]  # fmt: skip
            everything, seconds = _naive(link, size + 1)
            rows.append(_row("one phone or mail in common", everything, seconds))
            capped, seconds = _naive(link, 4)
            rows.append(_row("the same, values on more than 4 cards left out", capped, seconds))
            if python is not None:
                rows += _splink(link, python, folder, clocks.prepared)
    finally:
        matching_models.drop_database(server_url, name)
    delta = (
        matching_delta.run(server_url, f"{name}_delta", base, seed, folder / "delta")
        if with_delta
        else None
    )
    return {
        "size": size,
        "delta": delta and {**vars(delta), "share": delta.share},
        "rows": rows,
        "companies": _row("companies", companies, clocks.to_clusters),
        "ceilings": list(ceilings),
        "review": asked,
        "prepared": clocks.prepared,
        "all_models": clocks.everything,
        "node_seconds": sum(
            node.seconds for node in built if node.name not in matching_models.AFTER_CLUSTERS
        ),
        "wall": wall,
        "server_cpu": spent,
        "load": os.getloadavg()[1],
        "nodes": {
            node.name: node.seconds for node in sorted(built, key=lambda node: -node.seconds)[:8]
        },
    }


def report(all_figures: list[dict[str, Any]], *, has_splink: bool) -> str:
    """Returns the figures as Markdown."""
    lines = [
        f"{platform.machine()}, {os.cpu_count()} cores, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB, Python {platform.python_version()}",
        "",
        "| records | system | precision | recall | F1 | clusters mixing persons | largest "
        "| in review | asked pairs really one | s from prepared records | s from cards |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for figures in all_figures:
        for row in figures["rows"]:
            asked = (
                f"{row['review']:.2%} | {row['same']:.0%}" if row.get("review") is not None
                else "– | –"
            )  # fmt: skip
            lines.append(
                f"| {figures['size']:,} | {row['system']} | {row['precision']:.4f} "
                f"| {row['recall']:.4f} | {row['f1']:.4f} | {row['mixed']:,} | {row['largest']:,} "
                f"| {asked} "
                + (f"| {row['alone']:.1f} " if "alone" in row else "| – ")
                + f"| {row['seconds']:.1f} |"
            )
    lines.append("")
    for figures in all_figures:
        key, supported = figures["ceilings"]
        companies = figures["companies"]
        lines.append(
            f"- {figures['size']:,}: recall ceilings {key:.3f} (a phone or mail in common) and "
            f"{supported:.3f} (or an equal name with company or trip); companies "
            f"{companies['precision']:.4f} / {companies['recall']:.4f}; review cases "
            f"{figures['review']['cases']:,}; records prepared after {figures['prepared']:.1f} s; "
            f"models up to the clusters {figures['node_seconds']:.1f} s one after the other; with "
            f"review and explanations {figures['all_models']:.1f} s; `dbt build` of all of it, "
            f"start and seeds too, {figures['wall']:.0f} s, "
            + (
                f"{figures['server_cpu']:.0f} s of the server's processor time, "
                if figures["server_cpu"]
                else ""
            )
            + f"load of the machine {figures['load']:.1f}."
        )
        trained = [row["training"] for row in figures["rows"] if "training" in row]
        if trained:
            lines.append(f"- {figures['size']:,}: of Splink's time {trained[0]:.1f} s is training.")
        if delta := figures["delta"]:
            lines.append(
                f"- {figures['size']:,}, a delta of 3 %: {delta['share']:.3%} of "
                f"{delta['cards']:,} published cards changed their id ({delta['merged']} by a "
                f"merge, of these {delta['true_merges']} rightly, {delta['split']} by a split, "
                f"{delta['moved']} else), {delta['silent']} of them without an event, "
                f"{delta['dangling']} ids dangle; clusters are those of a full build: "
                + ("yes." if delta["is_full_build"] else "no.")
            )
    for before, after in itertools.pairwise(all_figures):
        growth = after["rows"][0]["seconds"] / before["rows"][0]["seconds"]
        lines.append(
            f"- growth {before['size']:,} → {after['size']:,}: {growth:.1f} times the time"
        )
    lines += [
        f"- slowest at {all_figures[-1]['size']:,}: "
        + ", ".join(f"{name} {took:.1f} s" for name, took in all_figures[-1]["nodes"].items())
    ]
    if not has_splink:
        lines += ["", "Splink could not be installed here; its rows are missing."]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matching", description=__doc__)
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--database-url", help="a server that may create databases")
    parser.add_argument("--no-splink", action="store_true")
    parser.add_argument(
        "--delta-up-to",
        type=int,
        default=100000,
        metavar="SIZE",
        help="also bring a delta of 3 %% to the sizes up to this one (three more builds each)",
    )
    parser.add_argument("--out", type=Path, help="folder for matching.json and matching.md")
    options = parser.parse_args(arguments)
    out = options.out or settings.local_dir() / "bench"
    out.mkdir(parents=True, exist_ok=True)
    python = None if options.no_splink else splink_python(settings.local_dir() / "splink")
    all_figures = []
    with tempfile.TemporaryDirectory(prefix="riderra-bench-") as temporary:
        folder = Path(temporary)
        server = (
            contextlib.nullcontext(options.database_url)
            if options.database_url
            else _throw_away_server(folder / "server")
        )
        with server as url:
            pid_file = folder / "server" / "postgres" / "data" / "postmaster.pid"
            pid = int(pid_file.read_text().splitlines()[0]) if pid_file.exists() else None
            for size in [int(text) for text in options.sizes.split(",")]:
                all_figures.append(
                    run_size(
                        url, size, options.seed, folder / str(size), python, pid,
                        with_delta=size <= options.delta_up_to,
                    )
                )  # fmt: skip
                (out / "matching.json").write_text(json.dumps(all_figures, indent=1))
                text = report(all_figures, has_splink=python is not None)
                (out / "matching.md").write_text(text, encoding="utf-8")
    sys.stdout.write(text + f"\nwritten to {out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
