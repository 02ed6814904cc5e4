"""Reads one export: format, encoding, delimiter, header, then line after line.

A line that cannot be read becomes a `RejectedLine`; a file that is not a whole export of contacts
raises an `InputFileError` that names file and line. No message quotes a cell.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import hashlib
import io
import re
import warnings
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loaders.errors import InputFileError
from loaders.planfix_csv.headers import KnownHeaders
from loaders.planfix_csv.seen import file_name

DELIMITERS = (";", ",", "\t")
SAMPLE_BYTES = 1 << 18
# a title or a filter description may stand above the header
HEADER_WITHIN = 10
# a note with more line breaks than this is a stray quote
CELL_LINES = 2_000
CELL_CHARACTERS = 1 << 20

MESSAGES = {
    "bad_encoding": "bytes that are no text in the file's encoding",
    "control_characters": "control characters that no text has",
    "missing_columns": "fewer cells than the header has columns",
    "too_many_columns": "more cells than the header has columns",
    "unclosed_quote": "a quote that is never closed",
    "malformed_quotes": "text after a closing quote",
    "repeated_header": "the header once more",
    "before_header": "stands above the header",
}
ENTITY_START = re.compile(r"&(?:nbsp|amp|quot|apos|lt|gt|laquo|raquo|mdash|ndash|#[0-9]{2,5})$")
# how the decoders mark bytes that are no text
DAMAGE = re.compile("[\udc80-\udcff]")
UTF16_DAMAGE = re.compile("\ufffd")
CUT_REASONS = ("missing_columns", "unclosed_quote")


@dataclass(frozen=True)
class ExportRow:
    """A line with its cells by header."""

    line_number: int
    cells: dict[str, str]


@dataclass(frozen=True)
class RejectedLine:
    """A line that could not be read, whole."""

    line_number: int
    reason_code: str
    raw_line: str

    @property
    def message(self) -> str:
        """What is wrong, without what it says."""
        return MESSAGES[self.reason_code]


@dataclass
class _Record:
    line_number: int
    raw: str
    cells: list[str] | None = None
    reason: str = ""
    ended: bool = True


@dataclass
class Export:
    """One export file.

    Attributes:
        path: where it is.
        key: what it is known by: its SHA-256 (see `loaders.planfix_csv.seen`).
        size: bytes.
        modified_at: the file's own time.
        format: csv or xlsx.
        encoding: of a CSV, empty for a workbook.
        delimiter: of a CSV, empty for a workbook.
        header: header cells as written; a repeated one is numbered, a missing one named.
        header_line: line of the header.
        sheet: sheet of a workbook.
        row_count: rows read, after `check`.
        rejected: unreadable lines by reason, after `check`.
    """

    path: Path
    key: str
    size: int
    modified_at: dt.datetime
    format: str = "csv"
    encoding: str = ""
    delimiter: str = ""
    header: list[str] = field(default_factory=list)
    header_line: int = 0
    sheet: str = ""
    row_count: int = 0
    rejected: dict[str, list[int]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """File name without its folder."""
        return file_name(self.path)

    @property
    def rejected_count(self) -> int:
        """Number of unreadable lines."""
        return sum(len(lines) for lines in self.rejected.values())

    def check(self) -> None:
        """Reads the whole file and counts.

        Raises:
            InputFileError: its end is missing, or no line fits the header.
        """
        self.row_count = 0
        self.rejected = {}
        for item in self.items():
            if isinstance(item, ExportRow):
                self.row_count += 1
            else:
                self.rejected.setdefault(item.reason_code, []).append(item.line_number)
        unfit = {
            reason: lines for reason, lines in self.rejected.items() if reason != "before_header"
        }
        if unfit and not self.row_count:
            reason, lines = next(iter(unfit.items()))
            raise InputFileError(
                f"{self.name}, line {lines[0]}: no line of the file can be read; the first has "
                f"{MESSAGES[reason]}. Export the file again."
            )

    def items(self) -> Iterator[ExportRow | RejectedLine]:
        """Yields every row and every unreadable line, in order.

        Raises:
            InputFileError: the end of the file is missing.
        """
        if self.format == "xlsx":
            yield from _sheet_items(self)
            return
        # first of the unreadable records since the last row, when the last of them may be cut
        suspect = 0
        is_cut = False
        for record in _records(_lines(self.path, self.encoding), self.delimiter, len(self.header)):
            item = self._item(record)
            if item is None:
                continue
            if isinstance(item, ExportRow):
                suspect, is_cut = 0, False
            else:
                is_cut = item.reason_code in CUT_REASONS or (
                    item.reason_code == "bad_encoding" and not record.ended
                )
                suspect = (suspect or item.line_number) if is_cut else 0
            yield item
        if is_cut:
            raise InputFileError(
                f"{self.name}, line {suspect}: the file is cut off in this line. Nothing of it was "
                "loaded; export it again."
            )

    def _item(self, record: _Record) -> ExportRow | RejectedLine | None:
        number, cells = record.line_number, record.cells
        if number == self.header_line or (cells is not None and not any(map(str.strip, cells))):
            return None
        if number < self.header_line:
            if record.raw.lower().startswith("sep="):
                return None
            return RejectedLine(number, "before_header", storable(record.raw))
        if cells is None:
            return RejectedLine(number, record.reason, storable(record.raw))
        if not record.raw.isprintable():
            damage = UTF16_DAMAGE if self.encoding.startswith("utf-16") else DAMAGE
            if damage.search(record.raw):
                return RejectedLine(number, "bad_encoding", storable(record.raw))
            if "\x00" in record.raw:
                return RejectedLine(number, "control_characters", storable(record.raw))
        width = len(self.header)
        if len(cells) > width and self.delimiter == ";" and "&" in record.raw:
            cells = _rejoined(cells)
        if len(cells) < width:
            return RejectedLine(number, "missing_columns", storable(record.raw))
        if len(cells) > width and any(map(str.strip, cells[width:])):
            return RejectedLine(number, "too_many_columns", storable(record.raw))
        if cells[0].strip() == self.header[0] and named_headers(cells[:width]) == self.header:
            return RejectedLine(number, "repeated_header", storable(record.raw))
        return ExportRow(number, dict(zip(self.header, cells, strict=False)))


def _rejoined(cells: list[str]) -> list[str]:
    """Puts &nbsp; together again, which an export without quotes cuts at its semicolon."""
    joined: list[str] = []
    for cell in cells:
        if joined and ENTITY_START.search(joined[-1]):
            joined[-1] += ";" + cell
        else:
            joined.append(cell)
    return joined


def storable(text: str) -> str:
    """Returns text that PostgreSQL can hold; bytes that are no text are shown as escapes."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


@dataclass
class _Scan:
    size: int
    is_utf8: bool
    is_blank: bool
    nul_count: int
    sample: bytes


def fingerprint(path: Path) -> tuple[str, dt.datetime]:
    """Returns the SHA-256 and the time of a file.

    Raises:
        InputFileError: it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        return sha256, dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
    except OSError as error:
        raise InputFileError(
            f"{path.name}: cannot be read ({error.strerror}); check its access rights."
        ) from None


def _scan(path: Path) -> _Scan:
    decoder = codecs.getincrementaldecoder("utf-8")()
    size = nul_count = 0
    is_utf8, is_blank = True, True
    sample = b""
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            size += len(block)
            nul_count += block.count(0)
            is_blank = is_blank and not block.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe")
            if len(sample) < SAMPLE_BYTES:
                sample += block[: SAMPLE_BYTES - len(sample)]
            if is_utf8:
                try:
                    # the last character may be cut: that is the reader's business
                    decoder.decode(block)
                except UnicodeDecodeError:
                    is_utf8 = False
    return _Scan(size, is_utf8, is_blank, nul_count, sample)


def open_export(path: Path, key: str, modified_at: dt.datetime, known: KnownHeaders) -> Export:
    """Finds out how a file is written and where its header is.

    Raises:
        InputFileError: it is empty, not text, not an export, or wrongly separated.
    """
    name = file_name(path)
    scan = _scan(path)
    export = Export(path, key, scan.size, modified_at)
    if scan.is_blank:
        raise InputFileError(f"{name}: the file is empty; export it again or remove it.")
    sample = scan.sample
    if sample.startswith(b"PK\x03\x04"):
        _open_workbook(export, known)
        return export
    _refuse_other_formats(name, sample)
    export.encoding = _encoding(scan, name)
    _find_header(export, sample, known)
    return export


def _refuse_other_formats(name: str, sample: bytes) -> None:
    start = sample.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if sample.startswith(b"\xd0\xcf\x11\xe0"):
        raise InputFileError(
            f"{name}: an old .xls or a workbook with a password; save it as .xlsx without "
            "password, or as CSV."
        )
    if start.startswith(b"%pdf"):
        raise InputFileError(f"{name}: a PDF, not an export; export the contacts as CSV or .xlsx.")
    if start.startswith((b"<!doctype html", b"<html", b"<table", b"<?xml", b"<head", b"<body")):
        raise InputFileError(
            f"{name}, line 1: a web page or XML, not an export (often the login page); export the "
            "contacts as CSV or .xlsx."
        )


def _encoding(scan: _Scan, name: str) -> str:
    sample = scan.sample
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if sample.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise InputFileError(f"{name}: UTF-32 text; save it as UTF-8.")
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    head = sample[:4096]
    if head.count(0) > len(head) // 5:
        odd, even = head[1::2].count(0), head[::2].count(0)
        guess = "utf-16-le" if odd > even * 10 else "utf-16-be" if even > odd * 10 else ""
        text = head[: len(head) // 2 * 2].decode(guess, "replace") if guess else ""
        if guess and sum(sign.isprintable() or sign.isspace() for sign in text) > len(text) * 0.95:
            return guess
    controls = sum(byte < 32 and byte not in (9, 10, 11, 12, 13, 26) for byte in head)
    if controls > len(head) // 50:
        raise InputFileError(
            f"{name}: not a text file; export the contacts as CSV (UTF-8 or Windows-1251) or .xlsx."
        )
    if scan.is_utf8:
        return "utf-8"
    first = next((line for line in sample.splitlines() if line.strip()), b"")
    try:
        # one damaged line in a UTF-8 file does not make it Windows-1251
        if not first.decode("utf-8").isascii():
            return "utf-8"
    except UnicodeDecodeError:
        pass
    return "cp1251"


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    errors = "replace" if encoding.startswith("utf-16") else "surrogateescape"
    with path.open(encoding=encoding, errors=errors, newline="") as stream:
        yield from _numbered(stream)


def _numbered(stream: Iterable[str]) -> Iterator[tuple[int, str]]:
    yield from enumerate(stream, start=1)


def _cells(text: str, delimiter: str, *, strict: bool) -> list[str]:
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict))
    return [cell for row in rows for cell in row] if len(rows) > 1 else (rows[0] if rows else [])


def _parse(text: str, delimiter: str) -> tuple[list[str] | None, bool]:
    """Returns the cells, and whether a quote is still open."""
    try:
        return _cells(text, delimiter, strict=True), False
    except csv.Error as error:
        return None, "unexpected end of data" in str(error)


def _records(
    lines: Iterator[tuple[int, str]], delimiter: str, width: int | None
) -> Iterator[_Record]:
    """Joins the lines of a record whose quoted cells hold line breaks.

    A quote that is never closed would swallow the rest of the file: a joined record that does not
    fit the header is given up, its first line rejected, and reading goes on with the second.
    """
    csv.field_size_limit(CELL_CHARACTERS * 4)
    waiting: deque[tuple[int, str]] = deque()

    def following() -> tuple[int, str] | None:
        return waiting.popleft() if waiting else next(lines, None)

    while (line := following()) is not None:
        number, whole = line
        text = whole.rstrip("\r\n")
        ended = len(text) < len(whole)
        if '"' not in text:
            yield _Record(number, text, text.split(delimiter), ended=ended)
            continue
        cells, is_open = _parse(text, delimiter)
        if cells is not None:
            yield _Record(number, text, cells, ended=ended)
            continue
        if not is_open:
            lenient = _cells(text, delimiter, strict=False)
            fits = len(lenient) == width
            yield _Record(number, text, lenient if fits else None, "malformed_quotes", ended)
            continue
        joined, taken = whole, [line]
        record: _Record | None = None
        while len(taken) <= CELL_LINES and len(joined) <= CELL_CHARACTERS:
            more = following()
            if more is None:
                break
            taken.append(more)
            joined += more[1]
            if '"' not in more[1]:
                continue
            text_so_far = joined.rstrip("\r\n")
            cells, is_open = _parse(text_so_far, delimiter)
            if is_open:
                continue
            if cells is not None and (width is None or len(cells) == width):
                ended = len(text_so_far) < len(joined)
                record = _Record(number, text_so_far, cells, ended=ended)
            break
        if record is None:
            waiting.extendleft(reversed(taken[1:]))
            record = _Record(number, text, None, "unclosed_quote", ended)
        yield record


def named_headers(cells: list[str]) -> list[str]:
    """Returns header cells without duplicates and gaps, so that each can be a key."""
    names: list[str] = []
    for position, cell in enumerate(cells, start=1):
        name = storable(cell.replace("\ufeff", "").strip()) or f"column_{position}"
        candidate, copy = name, 2
        while candidate in names:
            candidate = f"{name} ({copy})"
            copy += 1
        names.append(candidate)
    return names


def _refuse_garbled(export: Export, known: KnownHeaders) -> None:
    """Refuses a header that means more when read in another encoding."""
    recodings = [(middle, "utf-8") for middle in ("latin-1", "cp1252", "cp1251")]
    if export.encoding == "cp1251":
        recodings += [("cp1251", other) for other in ("koi8-r", "cp866", "mac_cyrillic")]
    for written, other in recodings:
        cells = [cell.encode(written, "replace").decode(other, "replace") for cell in export.header]
        if known.count(cells) > known.count(export.header):
            what = f"is {other}" if other != "utf-8" else "was once saved in the wrong encoding"
            raise InputFileError(
                f"{export.name}, line {export.header_line}: the text {what}; save the file as "
                "UTF-8 or Windows-1251, or export it again."
            )


def _find_header(export: Export, sample: bytes, known: KnownHeaders) -> None:
    text = sample.decode(export.encoding, "replace")
    best: tuple[int, int] = (0, 0)
    first_lines = [line for line in text.splitlines() if line.strip()][:HEADER_WITHIN]
    for delimiter in DELIMITERS:
        lines = _numbered(io.StringIO(text, newline=""))
        for count, record in enumerate(_records(lines, delimiter, None)):
            if count > HEADER_WITHIN:
                break
            cells = record.cells or []
            score = (known.count(cells), len(cells))
            if len(cells) > 1 and score[0] and score > best:
                best = score
                export.delimiter = delimiter
                export.header = cells
                export.header_line = record.line_number
    if export.header:
        _refuse_garbled(export, known)
        while len(export.header) > 1 and not export.header[-1].strip():
            export.header.pop()
        export.header = named_headers(export.header)
        return
    if any(known.occurs_in(line) for line in first_lines):
        raise InputFileError(
            f"{export.name}, line 1: only one column was found; export the file with ; or , or a "
            "tab between the columns."
        )
    raise InputFileError(
        f"{export.name}, line 1: no header of a contact export was found. Export with a header "
        "line, save the file as UTF-8 or Windows-1251, and name headers of your own in "
        "csv_headers.csv of MAPPING_DIR."
    )


@contextmanager
def _workbook(export: Export) -> Iterator[Any]:
    """Opens a workbook; what openpyxl raises over a damaged one has no common class."""
    import openpyxl

    try:
        # a stream, because openpyxl believes the name more than the content
        with export.path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
            try:
                yield book
            finally:
                book.close()
    except InputFileError:
        raise
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError, TypeError, EOFError):
        raise InputFileError(
            f"{export.name}: cannot be opened as an .xlsx workbook (damaged, or another kind of "
            "file); export it again, or save it as CSV."
        ) from None


def _cell_text(value: Any) -> str:
    """Returns a workbook's cell as Planfix writes it in CSV."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Да" if value else "Нет"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, dt.datetime):
        is_day = (value.hour, value.minute, value.second) == (0, 0, 0)
        return value.strftime("%d-%m-%Y" if is_day else "%d-%m-%Y %H:%M")
    if isinstance(value, dt.date):
        return value.strftime("%d-%m-%Y")
    if isinstance(value, dt.time):
        return value.strftime("%H:%M")
    # openpyxl leaves the escapes of control characters (_x000D_) as they are
    return str(value).replace("_x000D_", "").replace("\x00", "")


def _sheet_rows(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    sheet.reset_dimensions()
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        yield number, [_cell_text(value) for value in row]


def _open_workbook(export: Export, known: KnownHeaders) -> None:
    export.format = "xlsx"
    found = 0
    with _workbook(export) as book:
        for sheet in book.worksheets:
            best = 0
            for number, cells in _sheet_rows(sheet):
                if number > HEADER_WITHIN:
                    break
                while cells and not cells[-1].strip():
                    cells.pop()
                score = known.count(cells)
                if score > best and len(cells) > 1:
                    best = score
                    if not found:
                        export.sheet, export.header_line = sheet.title, number
                        export.header = named_headers(cells)
            found += bool(best)
    if found > 1:
        raise InputFileError(
            f"{export.name}: {found} sheets hold contacts; save each as a file of its own."
        )
    if not found:
        raise InputFileError(
            f"{export.name}: no sheet has a header of a contact export. Export with a header line, "
            "and name headers of your own in csv_headers.csv of MAPPING_DIR."
        )


def _sheet_items(export: Export) -> Iterator[ExportRow | RejectedLine]:
    width = len(export.header)
    with _workbook(export) as book:
        for number, cells in _sheet_rows(book[export.sheet]):
            filled = any(map(str.strip, cells))
            if number == export.header_line or not filled:
                continue
            raw = storable("\t".join(cells))
            if number < export.header_line:
                yield RejectedLine(number, "before_header", raw)
            elif any(map(str.strip, cells[width:])):
                yield RejectedLine(number, "too_many_columns", raw)
            elif named_headers(cells[:width]) == export.header:
                yield RejectedLine(number, "repeated_header", raw)
            else:
                cells += [""] * (width - len(cells))
                values = [storable(cell) for cell in cells]
                yield ExportRow(number, dict(zip(export.header, values, strict=False)))
