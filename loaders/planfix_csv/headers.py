"""What the loader knows about headers: enough to tell an export from another file.

What a header means is decided by dbt with the seed `csv_headers`; its rows count here too.
"""

from __future__ import annotations

import csv
import html
import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from loaders import settings
from loaders.errors import InputFileError

# columns of every account, in the languages of the UI that exports were seen in
STANDARD = frozenset(
    {
        "номер",
        "имя фамилия / название",
        "имя фамилия",
        "фамилия",
        "телефон",
        "email",
        "e-mail",
        "компания",
        "контакты",
        "ответственный",
        "ответственные",
        "добавил",
        "должность",
        "пол / тип",
        "дата создания",
    }
)
NUMBERS = frozenset({"номер"})


def normalised(header: str) -> str:
    """Returns a header as headers are compared: case, spaces and entities folded."""
    text = unicodedata.normalize("NFKC", html.unescape(header))
    return " ".join(text.replace("\ufeff", "").lower().split()).strip(" \"'")


class KnownHeaders:
    """The headers that make a file an export of contacts."""

    def __init__(self, mapped: Iterable[tuple[str, str]] = ()) -> None:
        """Adds the mapping's (header, field) pairs to the standard ones."""
        pairs = [(normalised(header), field) for header, field in mapped]
        self.headers = STANDARD | {header for header, _ in pairs if header}
        self.numbers = NUMBERS | {header for header, field in pairs if field == "number"}

    @classmethod
    def from_mapping(cls) -> KnownHeaders:
        """Reads csv_headers.csv of MAPPING_DIR, by default the sample account's.

        Raises:
            InputFileError: the file is there and not UTF-8 with columns header and field.
        """
        folder = Path(os.environ.get("MAPPING_DIR") or "seeds/mapping")
        path = settings.PROJECT_ROOT / folder / "csv_headers.csv"
        if not path.is_file():
            return cls()
        try:
            with path.open(encoding="utf-8-sig", newline="") as lines:
                rows = list(csv.DictReader(lines))
        except UnicodeDecodeError:
            raise InputFileError(f"{path.name} of MAPPING_DIR is not UTF-8: save it so.") from None
        if rows and not {"header", "field"} <= set(rows[0]):
            raise InputFileError(
                f"{path.name} of MAPPING_DIR, line 1: the columns header and field are missing."
            )
        return cls((row["header"] or "", (row["field"] or "").strip()) for row in rows)

    def count(self, header: Iterable[str]) -> int:
        """Counts the known ones among the cells of a header line."""
        return sum(normalised(cell) in self.headers for cell in header)

    def has_number(self, header: Iterable[str]) -> bool:
        """Tells whether one of the cells is known as the contact number."""
        return any(normalised(cell) in self.numbers for cell in header)

    def occurs_in(self, line: str) -> bool:
        """Tells whether a line that was not split holds a known header."""
        text = normalised(line)
        return any(header in text for header in self.headers)
