"""The words by which names, numbers, addresses and notes are known, wherever they stand.

What is looked for are words: a leaked row shows by its family name, its phone or its e-mail, in
whatever sentence, JSON or SQL it stands. Words that the project itself writes (given names of the
rules' seeds, terms of the mapping) say nothing and are left out.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbt.task.docs import DOCS_INDEX_FILE_PATH

from tests.pytest import session
from tests.pytest.conftest import PROJECT, parsed

if TYPE_CHECKING:
    from tests.pytest.e2e.conftest import Migration

WORD = re.compile(r"[^\W\d_]{4,}")
ADDRESS = re.compile(r"[\w.+-]+@[\w.-]+\w")
NUMBER = re.compile(r"\d{7,}")
ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


def words(text: str) -> set[str]:
    """Returns what a text could be recognised by."""
    text = ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    found = {word.lower() for word in WORD.findall(text)}
    found |= {address.lower() for address in ADDRESS.findall(text)}
    return found | set(NUMBER.findall(text))


def texts(value: Any) -> Iterator[str]:
    """Goes through all texts in a JSON value."""
    if isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


def account_words(migration: Migration) -> set[str]:
    """Returns the words of everybody's names, numbers, addresses and notes."""
    found: set[str] = set()
    for card, fields in migration.rows("select payload, custom_fields from planfix_raw.contacts"):
        assert isinstance(card, dict)
        for key in ("name", "midname", "lastname", "address", "email", "description", "skype"):
            found |= words(str(card.get(key) or ""))
        for text in texts([card.get("phones"), card.get("additionalEmailAddresses")]):
            found |= words(text) | words(re.sub(r"\D", "", text))
        for text in texts([card.get("telegram"), card.get("instagram"), fields]):
            found |= {word for word in words(text) if not word.isalpha()}
    for query in (
        "select payload ->> 'description' from planfix_raw.contact_comments",
        "select value from riderra.customer_contacts",
        "select concat_ws(' ', display_name, address) from riderra.customers",
        "select body from riderra.customer_notes",
    ):
        for (text,) in migration.rows(query):
            found |= words(str(text or ""))
    return found


def own_words() -> set[str]:
    """Returns the words of the project and of a dbt that never saw a row."""
    found = words((parsed() / "manifest.json").read_text(encoding="utf-8"))
    # dbt's own page around the mapping review
    found |= words(Path(DOCS_INDEX_FILE_PATH).read_text(encoding="utf-8"))
    for folder in ("models", "macros", "seeds", "functions", "tests", "docs", "loaders"):
        for path in (PROJECT / folder).rglob("*"):
            if path.suffix in {".sql", ".yml", ".csv", ".md", ".py"} and "pytest" not in path.parts:
                found |= words(path.read_text(encoding="utf-8"))
    return found


def personal_words(finished: Migration) -> set[str]:
    """Returns the words by which a leak is known."""

    def make() -> list[str]:
        everything = account_words(finished)
        personal = everything - own_words()
        assert len(personal) > len(everything) / 2
        return sorted(personal)

    return set(session.once("personal words", make))


def written(*folders: Path) -> Iterator[tuple[str, str]]:
    """Goes through everything on disk, packed files unpacked."""
    for folder in folders:
        for path in folder.rglob("*"):
            # the settings of the test itself; the server is not ours to search
            if not path.is_file() or {"profiles", "postgres"} & set(path.parts):
                continue
            content = path.read_bytes()
            if content[:2] == b"\x1f\x8b":
                content = gzip.decompress(content)
            yield path.name, content.decode("utf-8", errors="replace")


def leaks(personal: set[str], *folders: Path, output: str = "") -> dict[str, list[str]]:
    """Returns the personal words in an output and in everything below the folders, by file."""
    return {
        name: sorted(found)[:20]
        for name, text in [("output", output), *written(*folders)]
        if (found := words(text) & personal)
    }
