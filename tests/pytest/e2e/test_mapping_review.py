"""The mapping review on a finished migration: nothing undescribed, every column with its rate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from report import mapping
from tests.pytest.e2e.conftest import Migration

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("main_job")]


def described(node: dict[str, Any]) -> set[str]:
    return {name for name, column in node["columns"].items() if column["description"].strip()}


def test_every_column_that_dbt_made_is_described_and_shows_how_full_it_is(
    finished: Migration,
) -> None:
    target = Path(finished.commands.environment()["DBT_TARGET_PATH"])
    page = (target / "static_index.html").read_text(encoding="utf-8")
    assert "the mapping review" in page
    catalog = json.loads((target / "catalog.json").read_text(encoding="utf-8"))["nodes"]
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))

    with psycopg.connect(finished.database.url()) as link:
        made: dict[tuple[str, str], set[str]] = {}
        for schema, table, column in link.execute(
            "select table_schema, table_name, column_name from information_schema.columns"
        ):
            made.setdefault((schema, table), set()).add(column)
    models = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] in {"model", "seed"} and (node["schema"], node["alias"]) in made
    ]
    assert len(models) > 100
    assert {
        node["name"]: sorted(made[node["schema"], node["alias"]] ^ described(node))
        for node in models
        if made[node["schema"], node["alias"]] != described(node)
    } == {}

    for table in mapping.TABLES:
        node = f"model.riderra_migration.{table}"
        told = catalog[node]["stats"]["filled"]["value"].split(", ")
        rates = {name: float(rate) for name, rate, _ in (text.split(" ") for text in told)}
        assert set(rates) == set(manifest["nodes"][node]["columns"])
        assert all(0 <= rate <= 100 for rate in rates.values())
        exposures = [
            exposure["name"]
            for exposure in manifest["exposures"].values()
            if node in exposure["depends_on"]["nodes"]
        ]
        assert "riderra_crm" in exposures, table
