"""Review cases as an `.xlsx` file: out to people without the desk, and back as decisions.

A cell of the source can start with `=`, `+`, `-` or `@` and become a formula in somebody's
spreadsheet. Cells are written as text with the type of text, and such a start is set off by an
apostrophe, so that the file stays harmless when it is saved as CSV.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import Any
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.datavalidation import DataValidation

from loaders.errors import InputFileError

HEAD = ("case", "version", "question", "records", "decision", "reason")
DECISIONS = ("same", "different", "unsure")
_FORMULA = re.compile(r"^[\s]*[=+\-@\t\r]")


def harmless(value: object) -> str:
    """Returns a text that no spreadsheet runs."""
    text = ILLEGAL_CHARACTERS_RE.sub("", "" if value is None else str(value))
    return "'" + text if _FORMULA.match(text) else text


def written(cases: Iterable[dict[str, Any]]) -> bytes:
    """Returns a workbook with one row per case and an empty decision column."""
    book = Workbook()
    sheet = book.active
    if sheet is None:
        raise InputFileError("the workbook has no sheet.")
    sheet.title = "review"
    sheet.append(HEAD)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for case in cases:
        row = (
            case["case_id"],
            case["latest_decision_id"],
            case["reason"],
            ", ".join(str(number) for number in case["planfix_ids"]),
            "",
            "",
        )
        sheet.append([harmless(value) for value in row])
        for cell in sheet[sheet.max_row]:
            cell.data_type = "s"
            cell.number_format = "@"
    choice = DataValidation(type="list", formula1=f'"{",".join(DECISIONS)}"', allow_blank=True)
    sheet.add_data_validation(choice)
    choice.add(f"E2:E{max(sheet.max_row, 2)}")
    sheet.freeze_panes = "A2"
    for column, width in zip("ABCDEF", (28, 9, 80, 24, 12, 40), strict=True):
        sheet.column_dimensions[column].width = width
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read(content: bytes) -> list[dict[str, str]]:
    """Returns the rows of a workbook that came back with a decision in them.

    Raises:
        InputFileError: when it is not such a workbook, or a decision is none of the known.
    """
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError):
        raise InputFileError("this is not an .xlsx file of the desk.") from None
    sheet = book["review"] if "review" in book.sheetnames else None
    if sheet is None:
        raise InputFileError("the workbook has no sheet named review.")
    lines = sheet.iter_rows(values_only=True)
    head = tuple(str(cell or "") for cell in next(lines, ()))[: len(HEAD)]
    if head != HEAD:
        raise InputFileError(f"the first line must be {', '.join(HEAD)}.")
    found = []
    for number, line in enumerate(lines, start=2):
        cells = ["" if cell is None else str(cell).strip() for cell in line[: len(HEAD)]]
        row = dict(zip(HEAD, cells, strict=False))
        decision = row.get("decision", "").lower()
        if not decision:
            continue
        if decision not in DECISIONS:
            raise InputFileError(
                f"line {number}: the decision must be one of {', '.join(DECISIONS)}."
            )
        if not row["version"].isdigit():
            raise InputFileError(f"line {number}: the version was changed.")
        found.append({**row, "decision": decision})
    return found
