"""Queues as `.xlsx` files: out to people without the desk, and back as decisions.

A cell of the source can start with `=`, `+`, `-` or `@` and become a formula in somebody's
spreadsheet. Cells are written as text with the type of text, and such a start is set off by an
apostrophe, so that the file stays harmless when it is saved as CSV. What comes back is checked:
the version of each row, and that the cells of the question still say what the desk says now.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.datavalidation import DataValidation

from loaders.errors import InputFileError

_FORMULA = re.compile(r"^[\s]*[=+\-@\t\r]")
# an Excel cell holds no more
_LONGEST = 32_000


@dataclass(frozen=True)
class Kind:
    """A queue that goes out and comes back.

    Attributes:
        sheet: name of its sheet.
        columns: heading of each column of the question, and how its cell is made.
        answers: headings of the columns to fill in; the first is the decision.
        decisions: what the decision may be.
        version: what a version looks like.
        widths: of the columns.
    """

    sheet: str
    columns: dict[str, Callable[[dict[str, Any]], object]]
    answers: tuple[str, ...]
    decisions: tuple[str, ...]
    version: re.Pattern[str]
    widths: tuple[int, ...]

    @property
    def head(self) -> tuple[str, ...]:
        """Headings of all columns."""
        return (*self.columns, *self.answers)

    def was_changed(self, row: dict[str, str], current: dict[str, Any]) -> bool:
        """Tells whether a line's question is another than the desk would write now."""
        return any(
            row[name] != harmless(cell(current)).strip()
            for name, cell in self.columns.items()
            if name != "version"
        )


REVIEW = Kind(
    "review",
    {
        "case": lambda case: case["case_id"],
        "version": lambda case: case["version"],
        "question": lambda case: case["reason"],
        "records": lambda case: ", ".join(str(number) for number in case["planfix_ids"]),
    },
    ("decision", "reason"),
    ("same", "different", "unsure"),
    re.compile(r"\d{1,18}-[0-9a-f]{12}"),
    (20, 18, 70, 24, 12, 40),
)
QUARANTINE = Kind(
    "quarantine",
    {
        "key": lambda value: value["item_key"],
        "version": lambda value: value["latest_decision_id"],
        "record": lambda value: value["planfix_id"],
        "field": lambda value: value["field"],
        "value": lambda value: value["raw_value"],
        "wrong": lambda value: value["sentence"],
    },
    ("decision", "corrected"),
    ("correct", "accept", "drop"),
    re.compile(r"\d{1,18}"),
    (34, 9, 10, 12, 34, 60, 12, 34),
)


def harmless(value: object) -> str:
    """Returns a text that no spreadsheet runs."""
    text = ILLEGAL_CHARACTERS_RE.sub("", "" if value is None else str(value))[:_LONGEST]
    # a spreadsheet knows one kind of line break only
    text = text.replace("\r\n", "\n")
    return "'" + text if _FORMULA.match(text) else text


def written(kind: Kind, rows: Iterable[dict[str, Any]]) -> bytes:
    """Returns a workbook with one line per row of a queue and empty columns to answer in."""
    book = Workbook()
    sheet = book.active
    if sheet is None:
        raise InputFileError("the workbook has no sheet.")
    sheet.title = kind.sheet
    sheet.append(kind.head)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    asked = PatternFill("solid", fgColor="FFF8E1")
    for row in rows:
        sheet.append(
            [harmless(cell(row)) for cell in kind.columns.values()] + [""] * len(kind.answers)
        )
        for place, cell in enumerate(sheet[sheet.max_row]):
            cell.data_type = "s"
            cell.number_format = "@"
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if place >= len(kind.columns):
                cell.fill = asked
    choice = DataValidation(type="list", formula1=f'"{",".join(kind.decisions)}"', allow_blank=True)
    sheet.add_data_validation(choice)
    letter = get_column_letter(len(kind.columns) + 1)
    choice.add(f"{letter}2:{letter}{max(sheet.max_row, 2)}")
    sheet.freeze_panes = "A2"
    for place, width in enumerate(kind.widths, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read(kind: Kind, content: bytes) -> list[dict[str, str]]:
    """Returns the lines of a workbook that came back with a decision in them.

    Raises:
        InputFileError: when it is not such a workbook, or a decision is none of the known.
    """
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError):
        raise InputFileError("this is not an .xlsx file of the desk.") from None
    sheet = book[kind.sheet] if kind.sheet in book.sheetnames else None
    if sheet is None:
        raise InputFileError(f"the workbook has no sheet named {kind.sheet}.")
    lines = sheet.iter_rows(values_only=True)
    head = tuple(str(cell or "") for cell in next(lines, ()))[: len(kind.head)]
    if head != kind.head:
        raise InputFileError(f"the first line must be {', '.join(kind.head)}.")
    found = []
    for number, line in enumerate(lines, start=2):
        cells = ["" if cell is None else str(cell).strip() for cell in line[: len(kind.head)]]
        cells += [""] * (len(kind.head) - len(cells))
        row = dict(zip(kind.head, cells, strict=True))
        decision = row["decision"].lower()
        if not decision:
            continue
        if decision not in kind.decisions:
            raise InputFileError(
                f"line {number}: the decision must be one of {', '.join(kind.decisions)}."
            )
        if not kind.version.fullmatch(row["version"]):
            raise InputFileError(f"line {number}: the version was changed.")
        found.append({**row, "decision": decision, "line": str(number)})
    return found
