"""`.env.example` lists every setting: what Python reads, what dbt's vars and profile read."""

from __future__ import annotations

import re

import yaml

from loaders.settings import PROJECT_ROOT

LISTED = set(
    re.findall(r"^#?([A-Z_]+)=", (PROJECT_ROOT / ".env.example").read_text("utf-8"), re.MULTILINE)
)
# set by make or by dbt's own documentation, no settings of the migration
OTHERS = {
    "DBT_PROFILES_DIR",
    "DBT_TARGET_PATH",
    "DBT_LOG_PATH",
    "DBT_SEND_ANONYMOUS_USAGE_STATS",
    "DBT_USE_COLORS",
    "DBT_EXCLUDE_RESOURCE_TYPES",
}


def test_settings_read_by_python_are_listed() -> None:
    read = set()
    for package in ("loaders", "report", "desk"):
        for path in (PROJECT_ROOT / package).rglob("*.py"):
            text = path.read_text("utf-8")
            read |= set(
                re.findall(r'"((?:PLANFIX|RIDERRA|DBT|MAPPING|DATABASE|PG)_?[A-Z_]+)"', text)
            )
    assert "PLANFIX_TOKEN" in read
    missing = {name for name in read - OTHERS if not name.endswith("_")} - LISTED
    assert missing - {"PG_VERSION", "PLANFIX_API"} == set()


def test_vars_of_dbt_are_listed() -> None:
    project = yaml.safe_load((PROJECT_ROOT / "dbt_project.yml").read_text("utf-8"))
    # a mapping of columns is set in dbt_project.yml or by --vars
    names = {
        f"RIDERRA_{name.upper().removeprefix('RIDERRA_')}"
        for name, value in project["vars"].items()
        if not isinstance(value, dict)
    }
    assert names - LISTED == set()


def test_nothing_listed_is_unknown() -> None:
    texts = [
        path.read_text("utf-8")
        for folder in ("loaders", "report", "desk", "macros")
        for path in (PROJECT_ROOT / folder).rglob("*")
        if path.suffix in {".py", ".sql"}
    ]
    known = "\n".join([*texts, (PROJECT_ROOT / "profiles.example.yml").read_text("utf-8")])
    project = yaml.safe_load((PROJECT_ROOT / "dbt_project.yml").read_text("utf-8"))
    known += "\n".join(
        f"RIDERRA_{name.upper().removeprefix('RIDERRA_')}" for name in project["vars"]
    )
    assert {name for name in LISTED if name not in known} == set()
