"""The same cards give the same clusters, ids and questions, whatever happens around them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from benchmarks import matching_inputs, matching_models
from benchmarks.matching_base import Base, make_base
from tests.pytest.matching.harness import Models, build_with_dbt

# one process builds the models for all of these tests
pytestmark = pytest.mark.xdist_group("matching")

SIZE = 400
COMPARED = (
    ("intermediate.int_clusters__final", "planfix_id, cluster_id, cluster_size"),
    ("intermediate.int_match_links__scored", "link_key, rule_id, key_hash, name_grade"),
    ("intermediate.int_match_links__resolved", "link_key, outcome"),
    ("intermediate.int_identity__assigned", "planfix_id, customer_id, change, match_rule"),
    ("intermediate.int_identity__events", "event_key, event, customer_id, planfix_id"),
    ("quality.review_queue", "case_id, priority, reason_code, asked_pairs, records"),
    ("quality.match_explanations", "explanation_key, direction, sentence"),
    ("quality.match_hubs", "key_hash, relation, client_count"),
)


def image(link: psycopg.Connection) -> dict[str, str]:
    """Returns a hash of each table's rows, whatever their order."""
    found = {}
    for table, columns in COMPARED:
        row = link.execute(
            f"select count(*) || ' ' || md5(string_agg(line, '|' order by line)) from ("
            f'select (({columns})::text) collate "C" as line from {table}) as lines'  # type: ignore[arg-type]
        ).fetchone()
        found[table] = row[0] if row else ""
    return found


@pytest.fixture(scope="module")
def base() -> Base:
    return make_base(SIZE, 11)


@pytest.fixture(scope="module")
def expected(built_models: Models, base: Base) -> dict[str, str]:
    built_models.forget()
    matching_inputs.load(built_models.link, base, built_models.skeleton)
    built_models.rebuild()
    return image(built_models.link)


def test_the_order_of_rows_does_not_matter(
    models: Models, base: Base, expected: dict[str, str]
) -> None:
    for rows in (base.contacts, base.points, base.companies, base.trips):
        rows.reverse()
    matching_inputs.load(models.link, base, models.skeleton)
    models.rebuild()
    assert image(models.link) == expected


@pytest.mark.parametrize(
    "settings",
    [
        ("max_parallel_workers_per_gather = 0",),
        (
            "max_parallel_workers_per_gather = 4",
            "parallel_setup_cost = 0",
            "parallel_tuple_cost = 0",
            "min_parallel_table_scan_size = 0",
        ),
        ("enable_hashjoin = off", "enable_hashagg = off", "work_mem = '64kB'"),
    ],
    ids=["one process", "many processes", "other plans"],
)
def test_plans_and_processes_do_not_matter(
    models: Models, base: Base, expected: dict[str, str], settings: tuple[str, ...]
) -> None:
    matching_inputs.load(models.link, base, models.skeleton)
    for setting in settings:
        models.link.execute(f"set {setting}")  # type: ignore[arg-type]
    try:
        models.rebuild()
        assert image(models.link) == expected
    finally:
        models.link.execute("reset all")


@pytest.fixture
def other_server() -> Iterator[str]:
    """A database on an older PostgreSQL than the embedded one."""
    url = os.environ.get("RIDERRA_TEST_POSTGRES15_URL")
    if not url:
        pytest.skip("RIDERRA_TEST_POSTGRES15_URL names no server")
    name = f"test_matching_{os.getpid()}"
    yield matching_models.new_database(url, name)
    matching_models.drop_database(url, name)


def test_the_version_of_the_server_does_not_matter(
    other_server: str, base: Base, expected: dict[str, str], tmp_path: Path
) -> None:
    with psycopg.connect(other_server, autocommit=True) as link:
        matching_inputs.load(link, base)
    # also with another number of threads, and every model made by dbt itself
    build_with_dbt(other_server, tmp_path, threads=4)
    with psycopg.connect(other_server, autocommit=True) as link:
        assert image(link) == expected


def test_a_build_leaves_nothing_to_chance_in_its_text() -> None:
    """No model of matching asks for the time, a random number or the place of a row."""
    banned = r"\brandom\(|\bnow\(|current_timestamp|current_date|\bctid\b|gen_random_uuid"
    found = subprocess.run(
        ["grep", "-rniE", banned, "models/intermediate/matching", "models/intermediate/identity"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert not found
