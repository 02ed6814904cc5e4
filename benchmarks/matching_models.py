"""Runs the matching models on a labelled base and scores the clusters against its truth."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg

from benchmarks import matching_inputs
from loaders.settings import PROJECT_ROOT

BIN = Path(sys.executable).parent
SEEDS = (
    "given_names nicknames company_legal_forms role_mailboxes free_mail_domains void_values "
    "match_rules"
).split()
FUNCTIONS = ("name_skeleton", "uuid_v5")
MATCHING = "path:models/intermediate/matching"
REVIEW = "path:models/review"
IDENTITY = "path:models/intermediate/identity"
# what makes the records that Splink is given too: names folded and read, the keys of each card, its
# employers and trips
PREPARATION = frozenset((
    "int_match_given_names__folded",
    "int_match_tokens__classified",
    "int_match_names__parsed",
    "int_match_trip_names__parsed",
    "int_match_companies__parsed",
    "int_match_employer_names__parsed",
    "int_match_records__prepared",
    "int_match_names__counted",
    "int_match_employers__stated",
    "int_match_trips__attributed",
    "int_match_identifiers__collected",
    "int_match_employers__keyed",
))  # fmt: skip
# what serves review only, not the clusters
AFTER_CLUSTERS = frozenset((
    "int_review_pairs__collected",
    "int_review_cases__ranked",
    "match_explanations",
    "match_hubs",
    "review_queue",
))  # fmt: skip

PAIRS = """
with
placed as (
    select clusters.planfix_id, clusters.cluster_id, truth.entity_id
    from {clusters} as clusters
    inner join bench.truth as truth on clusters.planfix_id = truth.planfix_id
    where truth.kind = %(kind)s
),
right_pairs as (
    select coalesce(sum(members * (members - 1) / 2), 0)::float8 as pairs
    from (select count(*) as members from placed group by cluster_id, entity_id) as groups
),
found_pairs as (
    select coalesce(sum(members * (members - 1) / 2), 0)::float8 as pairs
    from (select count(*) as members from placed group by cluster_id) as groups
),
true_pairs as (
    select coalesce(sum(members * (members - 1) / 2), 0)::float8 as pairs
    from (select count(*) as members from placed group by entity_id) as groups
),
mixed as (
    select count(*) as clusters, coalesce(max(members), 0) as largest
    from (
        select count(*) as members from placed
        group by cluster_id having count(distinct entity_id) > 1
    ) as groups
)
select
    right_pairs.pairs / nullif(found_pairs.pairs, 0),
    right_pairs.pairs / nullif(true_pairs.pairs, 0),
    mixed.clusters,
    mixed.largest
from right_pairs cross join found_pairs cross join true_pairs cross join mixed
"""

REVIEW_SHARE = """
with
cases as (
    select distinct case_id, record_count
    from intermediate.int_review_cases__ranked where is_asked
),
pairs as (
    select left_truth.entity_id = right_truth.entity_id as is_same
    from intermediate.int_review_cases__ranked as asked
    inner join bench.truth as left_truth on asked.left_planfix_id = left_truth.planfix_id
    inner join bench.truth as right_truth on asked.right_planfix_id = right_truth.planfix_id
    where asked.is_asked
)
select
    (select coalesce(sum(record_count), 0)::float8 from cases)
    / (select count(*) from intermediate.int_clusters__final),
    (select avg(is_same::int)::float8 from pairs),
    (select count(*) from cases)
"""

# as the publisher does it: changed identities are written down, events appended
PUBLISH = (
    """
    insert into migration.identity_events
        (run_id, event, customer_id, other_customer_id, planfix_id, detail)
    select 'bench', event, customer_id, other_customer_id, planfix_id, detail
    from intermediate.int_identity__events
    order by planfix_id nulls last, event, customer_id
    """,
    """
    insert into migration.customer_identity as known
        (planfix_id, customer_id, cluster_id, match_rule, first_assigned_at, assigned_at)
    select
        planfix_id, customer_id, cluster_id, match_rule, clock_timestamp(), clock_timestamp()
    from intermediate.int_identity__assigned
    where change <> 'keep'
    order by planfix_id
    on conflict (planfix_id) do update set
        customer_id = excluded.customer_id,
        cluster_id = excluded.cluster_id,
        match_rule = excluded.match_rule,
        assigned_at = excluded.assigned_at
    """,
)


@dataclass(frozen=True)
class Node:
    """When a model was built.

    Attributes:
        name: the model.
        started: seconds of the clock at which dbt began to build it.
        ended: and at which it was done.
    """

    name: str
    started: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.started


@dataclass(frozen=True)
class Clocks:
    """Seconds of wall time of a build.

    Attributes:
        to_clusters: from the first matching model to the last that the clusters need.
        prepared: until the records stand that Splink is given.
        matching: during which at least one model ran that comes after those records: what Splink's
            clock measures, but for the preparing models that ran beside.
        everything: with review and explanations.
    """

    to_clusters: float
    prepared: float
    matching: float
    everything: float


@dataclass
class Score:
    """Pairwise scores over final clusters.

    Attributes:
        precision: share of joined pairs that are one person.
        recall: share of true pairs that are joined.
        mixed: clusters with records of more than one person.
        largest: records in the largest of those.
    """

    precision: float
    recall: float
    mixed: int
    largest: int

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def score(link: psycopg.Connection, clusters: str, kind: str = "person") -> Score:
    """Scores a table with planfix_id and cluster_id against bench.truth."""
    row = link.execute(PAIRS.format(clusters=clusters), {"kind": kind}).fetchone()
    assert row is not None
    return Score(float(row[0] or 0), float(row[1] or 0), int(row[2]), int(row[3]))


def review(link: psycopg.Connection) -> dict[str, float]:
    """Returns share of records asked about, share of asked pairs that are one, and cases."""
    row = link.execute(REVIEW_SHARE).fetchone()
    assert row is not None
    return {"share": row[0], "same": row[1] or 0.0, "cases": row[2]}


def dbt(url: str, folder: Path, *arguments: str) -> dict[str, float]:
    """Runs dbt on a database and returns the seconds of each node.

    Raises:
        RuntimeError: when dbt fails; the folder has its log.
    """
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "RIDERRA_CREATE_LIVE_TABLES": "true",
    }
    with (folder / "dbt.log").open("a", encoding="utf-8") as log:
        code = subprocess.run(
            [str(BIN / "dbt"), *arguments],
            cwd=PROJECT_ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if code:
        raise RuntimeError(f"dbt {' '.join(arguments)} ended with {code}; see {folder}/dbt.log")
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    return {row["unique_id"].rsplit(".")[-1]: row["execution_time"] for row in results}


def nodes(folder: Path) -> list[Node]:
    """Returns the matching and review models of the last run, in the order of their ends."""
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    found = []
    for row in results:
        name = row["unique_id"].rsplit(".")[-1]
        if not row["unique_id"].startswith("model.") or name.startswith("int_identity"):
            continue
        for phase in row["timing"]:
            if phase["name"] == "execute":
                found.append(Node(name, _clock(phase["started_at"]), _clock(phase["completed_at"])))
    return sorted(found, key=lambda node: node.ended)


def _clock(moment: str) -> float:
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()


def _busy(spans: Iterable[Node]) -> float:
    """Returns the wall time during which at least one of these ran."""
    total, reached = 0.0, 0.0
    for node in sorted(spans, key=lambda node: node.started):
        total += max(0.0, node.ended - max(node.started, reached))
        reached = max(reached, node.ended)
    return total


def clocks(built: list[Node]) -> Clocks:
    """Returns the clocks of a build."""
    started = min(node.started for node in built)
    needed = [node for node in built if node.name not in AFTER_CLUSTERS]
    return Clocks(
        to_clusters=max(node.ended for node in needed) - started,
        prepared=max(node.ended for node in needed if node.name in PREPARATION) - started,
        matching=_busy(node for node in needed if node.name not in PREPARATION),
        everything=max(node.ended for node in built) - started,
    )


def build_arguments(*, threads: int = 2, with_identity: bool = False) -> list[str]:
    """Returns dbt's arguments that build the matching models."""
    selected = [*SEEDS, *FUNCTIONS, MATCHING, REVIEW, *([IDENTITY] if with_identity else [])]
    return [
        "build", "--threads", str(threads), "--exclude-resource-type", "test", "unit_test",
        "--select", *selected,
    ]  # fmt: skip


def build(
    url: str, folder: Path, *, threads: int = 2, with_identity: bool = False
) -> dict[str, float]:
    """Builds the matching models on loaded inputs and returns the seconds of each node."""
    return dbt(url, folder, *build_arguments(threads=threads, with_identity=with_identity))


def publish(link: psycopg.Connection) -> None:
    """Writes the identities of this build down as the publisher does."""
    with link.transaction():
        for statement in PUBLISH:
            link.execute(statement)  # type: ignore[arg-type]


def new_database(server_url: str, name: str) -> str:
    """Creates a database anew with empty inputs and returns its URL."""
    with psycopg.connect(server_url, autocommit=True) as link:
        link.execute(f"drop database if exists {name} with (force)")
        link.execute(
            f"create database {name} template template0 encoding 'UTF8' locale 'C.UTF-8'"
            if link.info.server_version < 170000
            else f"create database {name}"
        )
    url = server_url.rpartition("/")[0] + "/" + name
    with psycopg.connect(url, autocommit=True) as link:
        matching_inputs.prepare(link)
    return url


def drop_database(server_url: str, name: str) -> None:
    """Drops a database."""
    with psycopg.connect(server_url, autocommit=True) as link:
        link.execute(f"drop database if exists {name} with (force)")
