"""The mapping as one table: every target column with source, rule, survivorship and example.

It is made from the descriptions of the ready models (models/riderra/_riderra__models.yml), whose
columns all read "What it is. Source: … Rule: … Survivorship: … Example: …", so that `dbt docs`
and docs/mapping.md cannot disagree. `python -m report mapping` writes docs/mapping.md;
`--check` only compares; `--fill` writes a copy with fill rates from the database in use.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loaders import settings
from loaders.errors import SettingsError, UserError
from report.reader import Reader

TABLES = (
    "customers",
    "customer_contacts",
    "customer_tags",
    "customer_notes",
    "customer_consents",
    "customer_external_links",
)
# audit columns that the publisher fills and no ready model has
STAMPS = {
    "created_at",
    "updated_at",
    "first_migrated_at",
    "migrated_at",
    "migrated_by",
    "run_id",
}
PARTS = ("Source", "Rule", "Survivorship", "Example")
DOCUMENT = settings.PROJECT_ROOT / "docs" / "mapping.md"
_PART = re.compile(rf"(?:^|(?<=[.!?;] ))({'|'.join(PARTS)}): ")


class MappingError(UserError):
    """A description is missing, or the document is not up to date."""


@dataclass(frozen=True)
class Column:
    """One target column.

    Attributes:
        table: target table.
        name: its name.
        data_type: its type.
        meaning: what it is.
        parts: text of each of `PARTS` that the description has.
    """

    table: str
    name: str
    data_type: str
    meaning: str
    parts: dict[str, str]

    @property
    def lacking(self) -> list[str]:
        """Parts that the description lacks; none may."""
        found = [part for part in PARTS if not self.parts.get(part)]
        return found if self.meaning else ["meaning", *found]


def manifest() -> dict[str, Any]:
    """Returns dbt's manifest of the project as it is now.

    Raises:
        MappingError: when the project does not parse.
    """
    with tempfile.TemporaryDirectory(prefix="riderra-") as folder:
        profiles = Path(folder)
        example = settings.PROJECT_ROOT / "profiles.example.yml"
        (profiles / "profiles.yml").write_text(example.read_text("utf-8"), "utf-8")
        # parsing opens no connection, but the profile wants an address
        nowhere = settings.DatabaseSettings("127.0.0.1", 1, "nobody", "", "nowhere")
        done = subprocess.run(
            [str(Path(sys.executable).parent / "dbt"), "parse", "--quiet"],
            cwd=settings.PROJECT_ROOT,
            env={
                **os.environ,
                **nowhere.environment(),
                "DBT_PROFILES_DIR": folder,
                "DBT_TARGET_PATH": folder,
                "DBT_LOG_PATH": folder,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise MappingError(f"dbt parse failed:\n{done.stdout[-2000:]}")
        found: dict[str, Any] = json.loads((profiles / "manifest.json").read_text("utf-8"))
        return found


def columns(found: Mapping[str, Any]) -> list[Column]:
    """Returns the target columns in the order of the ready models.

    Args:
        found: dbt's manifest.

    Raises:
        MappingError: when a table is missing or a column has no complete description.
    """
    models = {
        node["name"]: node
        for node in found["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1:2] == ["riderra"]
    }
    missing = [table for table in TABLES if table not in models]
    if missing:
        raise MappingError(f"models/riderra lacks {', '.join(missing)}.")
    made = [
        _column(table, column) for table in TABLES for column in models[table]["columns"].values()
    ]
    poor = [
        f"{column.table}.{column.name} ({', '.join(column.lacking)})"
        for column in made
        if column.lacking
    ]
    if poor:
        raise MappingError(f"descriptions are incomplete: {'; '.join(poor)}.")
    return made


def _column(table: str, found: Mapping[str, Any]) -> Column:
    text = " ".join(str(found["description"]).split())
    pieces = _PART.split(text)
    parts = {
        title: piece.strip().rstrip(".")
        for title, piece in zip(pieces[1::2], pieces[2::2], strict=True)
    }
    return Column(
        table,
        str(found["name"]),
        str(found.get("data_type") or ""),
        pieces[0].strip().rstrip("."),
        parts,
    )


def undescribed(found: Mapping[str, Any]) -> list[str]:
    """Returns every model, seed, source and column of the project without a description.

    Args:
        found: dbt's manifest.
    """
    lacking = []
    for node in [*found["nodes"].values(), *found["sources"].values()]:
        if node["resource_type"] not in {"model", "seed", "source"}:
            continue
        name = f"{node.get('source_name') or node['resource_type']}.{node['name']}"
        if not str(node["description"]).strip():
            lacking.append(name)
        lacking += [
            f"{name}.{column['name']}"
            for column in node["columns"].values()
            if not str(column["description"]).strip()
        ]
    return sorted(lacking)


def document(made: list[Column], rates: Mapping[tuple[str, str], float | None] | None) -> str:
    """Returns the mapping as Markdown.

    Args:
        made: the target columns.
        rates: share of rows with a value per table and column, for the copy with fill rates.
    """
    lines = [
        "# Mapping: where each target column comes from",
        "",
        "Made by `python -m report mapping` from the descriptions in `models/riderra/`; do not",
        "edit. Examples are invented.",
    ]
    lines += [
        "",
        f"The publisher stamps {', '.join(f'`{name}`' for name in sorted(STAMPS))} itself.",
    ]
    if rates is None:
        lines += [
            "",
            "Fill rates depend on the account: `python -m report mapping --fill` writes this table "
            "with those of the",
            "database in use.",
        ]
    head = ["Column", "Type", "What it is", *PARTS, *([] if rates is None else ["Filled"])]
    for table in TABLES:
        lines += ["", f"## {table}", "", _row(head), _row(["---"] * len(head))]
        for column in made:
            if column.table != table:
                continue
            cells = [f"`{column.name}`", column.data_type, column.meaning]
            cells += [column.parts.get(part, "–") for part in PARTS]
            if rates is not None:
                rate = rates.get((table, column.name))
                cells.append("–" if rate is None else f"{100 * rate:.1f} %")
            lines.append(_row(cells))
    return "\n".join(lines) + "\n"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def fill_rates(reader: Reader, made: list[Column]) -> dict[tuple[str, str], float | None]:
    """Returns the share of live rows that have a value, per table and column.

    Args:
        reader: a snapshot of the database.
        made: the target columns.
    """
    rates: dict[tuple[str, str], float | None] = {}
    for table in TABLES:
        names = [column.name for column in made if column.table == table]
        counts = ", ".join(f'count(nullif("{name}"::text, \'\')) as "{name}"' for name in names)
        row = reader.row("mapping", f"select count(*) as rows_, {counts} from {{live}}.{table}")
        for name in names:
            rates[table, name] = row[name] / row["rows_"] if row and row["rows_"] else None
    return rates


def check(text: str) -> None:
    """Compares a document with the committed one.

    Raises:
        SettingsError: when it is not up to date.
    """
    written = DOCUMENT.read_text("utf-8") if DOCUMENT.is_file() else ""
    if written != text:
        raise SettingsError("docs/mapping.md is not up to date: run `python -m report mapping`.")
