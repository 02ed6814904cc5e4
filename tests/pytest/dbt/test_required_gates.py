"""The gates are really there: dbt ignores a misspelt key without a word."""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.pytest.conftest import PROJECT, parsed

REQUIRED = PROJECT / "tests" / "required_gates.txt"
PUBLISHERS = [
    f"model.riderra_migration.publish_batches{beside}"
    for beside in ("", "__second", "__third", "__fourth")
]

# every key that dbt reads, by the kind of thing it describes
COMMON = {"name", "description", "config", "data_tests", "columns", "docs"}
KEYS = {
    "models": COMMON | {"constraints", "latest_version", "versions", "access", "group"},
    "seeds": COMMON,
    "sources": {"name", "description", "schema", "database", "tables", "config", "loader", "meta"}
    | {"loaded_at_field", "freshness", "quoting", "tags", "data_tests"},
    "tables": COMMON | {"identifier", "loaded_at_field", "freshness", "external"},
    "columns": {"name", "description", "data_type", "constraints", "config", "data_tests", "quote"}
    | {"meta", "tags"},
    "macros": {"name", "description", "arguments", "config", "docs"},
    "arguments": {"name", "type", "description", "data_type", "default_value"},
    "functions": {"name", "description", "config", "arguments", "returns", "docs"},
    "exposures": {"name", "label", "type", "maturity", "url", "description", "owner"}
    | {"depends_on", "config", "meta", "tags"},
    "groups": {"name", "owner", "description", "config"},
    "unit_tests": {"name", "model", "description", "given", "expect", "overrides", "config"},
    "data_tests": {"name", "description", "config"},
}
TEST_KEYS = {"name", "arguments", "config", "description"}


@cache
def required() -> tuple[str, ...]:
    lines = REQUIRED.read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def manifest_for(target: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((parsed(target) / "manifest.json").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return manifest_for("dev")


@pytest.fixture(scope="module")
def dry_run_manifest() -> dict[str, Any]:
    return manifest_for("dry_run")


def named_tests(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        node["name"]: node for node in found["nodes"].values() if node["resource_type"] == "test"
    }


def ancestors(found: dict[str, Any], unique_id: str) -> set[str]:
    seen: set[str] = set()
    waiting = [unique_id]
    while waiting:
        for parent in found["parent_map"].get(waiting.pop(), []):
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return seen


def test_no_required_gate_is_listed_twice() -> None:
    assert len(required()) == len(set(required()))


def test_every_required_gate_exists_and_is_enabled(manifest: dict[str, Any]) -> None:
    present = named_tests(manifest)
    assert [name for name in required() if name not in present] == []
    assert [name for name in required() if not present[name]["config"]["enabled"]] == []


def test_every_required_gate_stops_a_real_run(manifest: dict[str, Any]) -> None:
    present = named_tests(manifest)
    soft = [
        name
        for name in required()
        if present[name]["config"]["severity"].lower() != "error"
        or present[name]["config"]["error_if"] != "!= 0"
        or present[name]["config"].get("where")
        or present[name]["config"].get("limit")
    ]
    assert soft == []


def test_every_required_gate_only_warns_in_a_dry_run(dry_run_manifest: dict[str, Any]) -> None:
    present = named_tests(dry_run_manifest)
    hard = [name for name in required() if present[name]["config"]["severity"].lower() != "warn"]
    assert hard == []


@pytest.mark.parametrize("publisher", PUBLISHERS)
def test_every_required_gate_stands_before_the_publisher(
    manifest: dict[str, Any], publisher: str
) -> None:
    assert publisher in manifest["nodes"]
    upstream = ancestors(manifest, publisher)
    # dbt lets a test block only what depends on all of its models
    loose = {
        name: sorted(outside)
        for name, node in named_tests(manifest).items()
        if name in required()
        and (
            outside := {
                parent
                for parent in node["depends_on"]["nodes"]
                if parent.startswith(("model.", "seed.")) and parent not in upstream
            }
        )
    }
    assert loose == {}


def test_every_publisher_is_known(manifest: dict[str, Any]) -> None:
    publishing = [
        unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["config"].get("materialized") == "publish"
    ]
    assert sorted(publishing) == sorted(PUBLISHERS)


def test_every_gate_of_the_seed_has_its_test() -> None:
    with (PROJECT / "seeds" / "rules" / "gates.csv").open(encoding="utf-8", newline="") as lines:
        gates = [row["gate"] for row in csv.DictReader(lines)]
    assert [gate for gate in gates if f"gate_{gate}" not in required()] == []


def yaml_files() -> list[Path]:
    return sorted(
        path
        for folder in ("models", "seeds", "macros", "functions", "tests/generic")
        for path in (PROJECT / folder).rglob("*.yml")
    )


def strangers(kind: str, found: Any, where: str) -> list[str]:
    """Keys that dbt would ignore, in everything listed under `kind`."""
    bad: list[str] = []
    for item in found or []:
        if kind == "data_tests":
            # a test is a name, or one name with its settings
            if (
                isinstance(item, dict)
                and len(item) == 1
                and isinstance(value := next(iter(item.values())), dict)
            ):
                bad += [f"{where}: {key}" for key in value if key not in TEST_KEYS]
            elif isinstance(item, dict) and not (
                len(item) == 1 or "test" in item or "name" in item
            ):
                bad.append(f"{where}: {', '.join(item)}")
            continue
        if not isinstance(item, dict):
            continue
        name = f"{where}.{item.get('name', '?')}"
        bad += [f"{name}: {key}" for key in item if key not in KEYS[kind]]
        for nested in ("columns", "tables", "data_tests", "arguments"):
            if nested in item and kind != "unit_tests":
                bad += strangers(nested, item[nested], name)
    return bad


@pytest.mark.parametrize("path", yaml_files(), ids=lambda path: path.name)
def test_no_key_is_misspelt(path: Path) -> None:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(found) <= {"version", *KEYS}
    bad = [
        stranger
        for kind, items in found.items()
        if kind != "version"
        for stranger in strangers(kind, items, kind)
    ]
    assert bad == []


def test_a_misspelt_key_is_noticed() -> None:
    assert strangers("models", [{"name": "m", "data_test": []}], "models") == [
        "models.m: data_test"
    ]
    column = {"name": "c", "descripton": "typo"}
    assert strangers("models", [{"name": "m", "columns": [column]}], "models") == [
        "models.m.c: descripton"
    ]
    flat = {"accepted_values": {"values": [1]}}
    assert strangers("columns", [{"name": "c", "data_tests": [flat]}], "columns") == [
        "columns.c: values"
    ]
