"""The mapping table: made from the descriptions, complete, and as committed."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from loaders import settings
from report import mapping, reader
from tests.pytest import session


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    found: dict[str, Any] = session.once("manifest of the mapping", mapping.manifest)
    return found


def test_every_model_seed_source_and_column_is_described(manifest: dict[str, Any]) -> None:
    assert len(manifest["nodes"]) > 100
    assert mapping.undescribed(manifest) == []


def test_committed_mapping_is_the_one_of_the_descriptions(manifest: dict[str, Any]) -> None:
    mapping.check(mapping.document(mapping.columns(manifest), None))


def test_every_target_column_is_mapped_and_none_besides(manifest: dict[str, Any]) -> None:
    ddl = (settings.PROJECT_ROOT / "macros" / "state" / "live_tables_ddl.sql").read_text("utf-8")
    made = mapping.columns(manifest)
    for table in mapping.TABLES:
        body = ddl.split(f".{table} (\n")[1].split("\n);")[0]
        live = {
            line.split()[0]
            for line in body.splitlines()
            if line.startswith("    ") and line[4] not in " )-" and "constraint" not in line
        }
        mapped = {column.name for column in made if column.table == table}
        # stamped by the publisher, see docs/mapping.md
        assert live - mapped <= mapping.STAMPS, table
        assert mapped - live == set(), table


PARTS = "Source: x. Rule: y. Survivorship: z. Example: e."


def column(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "description": description, "data_type": "text"}


def project(**columns: str) -> dict[str, Any]:
    return {
        "nodes": {
            table: {
                "name": table,
                "resource_type": "model",
                "fqn": ["riderra_migration", "riderra", table],
                "columns": {name: column(name, text) for name, text in columns.items()},
            }
            for table in mapping.TABLES
        }
    }


def test_a_description_is_taken_apart() -> None:
    made = mapping.columns(
        project(
            city='City. Source: field City;\n  CSV "Город". Rule: tidied. Survivorship: group '
            "place. Example: Kazan."
        )
    )
    assert made[0].meaning == "City"
    assert made[0].parts == {
        "Source": 'field City; CSV "Город"',
        "Rule": "tidied",
        "Survivorship": "group place",
        "Example": "Kazan",
    }


@pytest.mark.parametrize(
    "text",
    ["", "City.", "City. Source: x.", "City. Rule: x.", "City. Source: x. Rule: y. Example: z."],
)
def test_an_incomplete_description_is_named(text: str) -> None:
    with pytest.raises(mapping.MappingError, match=r"customers\.city"):
        mapping.columns(project(city=text))


def test_a_missing_table_is_named() -> None:
    found = project(city=f"City. {PARTS}")
    del found["nodes"]["customer_tags"]
    with pytest.raises(mapping.MappingError, match="customer_tags"):
        mapping.columns(found)


def test_a_bar_does_not_break_the_table() -> None:
    text = mapping.document(mapping.columns(project(city=f"A|B. {PARTS}")), None)
    assert "| A\\|B | x | y | z | e |" in text


def test_fill_rates_are_those_of_the_live_tables(built: settings.DatabaseSettings) -> None:
    made = mapping.columns(project(status=f"x. {PARTS}"))
    with psycopg.connect(built.url()) as link, reader.snapshot(link, "riderra", "") as view:
        rates = mapping.fill_rates(view, made)
    assert rates["customers", "status"] == 1.0
    assert rates["customer_tags", "status"] is None
    assert "100.0 %" in mapping.document(made, rates)
