"""Answers to the worklists: rows of the mapping files, where the next `dbt build` reads them."""

from __future__ import annotations

import csv
import fcntl
import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loaders import settings
from loaders.errors import InputFileError

FORBIDDEN = ("\r", "\n", "\0")


@dataclass(frozen=True)
class Question:
    """A kind of worklist and the mapping file that answers it.

    Attributes:
        file: the mapping file.
        key: columns of the file that name the unmapped value.
    """

    file: str
    key: tuple[str, ...]


QUESTIONS = {
    "managers": Question("manager_mapping.csv", ("planfix_user_id",)),
    "tags": Question("tag_mapping.csv", ("source_kind", "source_value")),
    "custom_fields": Question("custom_field_mapping.csv", ("object_type", "custom_field_id")),
    "csv_headers": Question("csv_headers.csv", ("header",)),
    "consents": Question("consent_values.csv", ("raw_value",)),
    "countries": Question("region_mapping.csv", ("raw_value",)),
    "languages": Question("language_mapping.csv", ("raw_value",)),
}
WORKLISTS = ("managers", "tags", "custom_fields", "csv_headers")
# values in quarantine that lack a mapping only, by reason
VALUES = {
    "unknown_consent_value": "consents",
    "unknown_country": "countries",
    "unknown_language": "languages",
}


def folder() -> Path:
    """Returns the mapping folder in use: MAPPING_DIR, else the sample account's."""
    return Path(os.environ.get("MAPPING_DIR") or settings.PROJECT_ROOT / "seeds" / "mapping")


def key_of(name: str, row: dict[str, Any]) -> tuple[str, ...]:
    """Returns what names an unmapped value in its mapping file."""
    return tuple(str(row[column]) for column in QUESTIONS[name].key)


def answered(name: str) -> dict[tuple[str, ...], dict[str, str]]:
    """Returns the rows of a worklist's mapping file by the value they map."""
    question = QUESTIONS[name]
    _, rows = _read(folder() / question.file)
    return {tuple(row[column] for column in question.key): row for row in rows}


class ChangedError(Exception):
    """Somebody else answered since this page was loaded."""


def version(row: dict[str, str] | None) -> str:
    """Returns what tells one answer from another; `none` when there is no answer."""
    if row is None:
        return "none"
    return hashlib.sha256(repr(sorted(row.items())).encode()).hexdigest()[:16]


def answer(name: str, values: dict[str, str], seen: str) -> str:
    """Writes the answer to one unmapped value, in place of an earlier one.

    Args:
        name: the worklist.
        values: columns of the mapping file; missing ones stay empty.
        seen: version of the answer that it takes the place of.

    Returns:
        The version of the new answer.

    Raises:
        ChangedError: when another answer is there by now.
        InputFileError: when the file lacks a column or a value cannot stand in a line.
    """
    question = QUESTIONS[name]
    path = folder() / question.file
    check(name, values)
    with _alone(path):
        header, rows = _read(path)
        key = tuple(values[column] for column in question.key)
        kept = _without(question, rows, key, seen)
        given = {column: values.get(column, "") for column in header}
        _write(path, header, [*kept, given])
    return version(given)


def check(name: str, values: dict[str, str]) -> None:
    """Refuses an answer that the mapping file cannot hold.

    Raises:
        InputFileError: when the file lacks a column or a value cannot stand in a line.
    """
    path = folder() / QUESTIONS[name].file
    if any(sign in value for value in values.values() for sign in FORBIDDEN):
        raise InputFileError("a mapping value must stand on one line.")
    header, _ = _read(path)
    unknown = [column for column in values if column not in header]
    if unknown:
        raise InputFileError(f"{path.name} has no column {', '.join(unknown)}.")


def withdraw(name: str, key: tuple[str, ...], seen: str) -> None:
    """Takes an answer out of the mapping file.

    Raises:
        ChangedError: when another answer is there by now.
    """
    question = QUESTIONS[name]
    path = folder() / question.file
    with _alone(path):
        header, rows = _read(path)
        _write(path, header, _without(question, rows, key, seen))


def _without(
    question: Question, rows: list[dict[str, str]], key: tuple[str, ...], seen: str
) -> list[dict[str, str]]:
    current = [row for row in rows if tuple(row[column] for column in question.key) == key]
    if version(current[-1] if current else None) != seen:
        raise ChangedError
    return [row for row in rows if row not in current]


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Lets one writer at a time at a file."""
    with (path.parent / ".desk.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputFileError(f"{path} is missing: copy it from seeds/mapping.") from None
    reader = csv.DictReader(io.StringIO(text), restval="")
    return list(reader.fieldnames or []), list(reader)


def _write(path: Path, header: list[str], rows: list[dict[str, str]]) -> None:
    """Replaces the file in one step, so that a build never reads half of it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, header, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text.getvalue(), encoding="utf-8")
    draft.replace(path)
