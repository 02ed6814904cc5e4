"""What a file may look like, and what is said of one that is no export."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loaders.errors import EXIT_INPUT, InputFileError
from loaders.planfix_csv.headers import KnownHeaders
from loaders.planfix_csv.reader import Export, ExportRow, RejectedLine, fingerprint, open_export
from simulator.export import write_exports
from simulator.generator import generate

HEADER = ["Номер", "Имя Фамилия / Название", "Телефон", "Email", "Примечание"]
LINE = "Номер;Имя Фамилия / Название;Телефон;Email;Примечание\r\n"
KNOWN = KnownHeaders()


def export_of(path: Path, known: KnownHeaders = KNOWN) -> Export:
    sha256, modified_at = fingerprint(path)
    export = open_export(path, sha256, modified_at, known)
    export.check()
    return export


def written(folder: Path, content: bytes | str, name: str = "contacts.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder: Path, content: bytes | str) -> tuple[Export, list[ExportRow], list[RejectedLine]]:
    export = export_of(written(folder, content))
    items = list(export.items())
    rows = [item for item in items if isinstance(item, ExportRow)]
    rejected = [item for item in items if isinstance(item, RejectedLine)]
    assert (len(rows), len(rejected)) == (export.row_count, export.rejected_count)
    return export, rows, rejected


def refusal(folder: Path, content: bytes | str, name: str = "contacts.csv") -> str:
    with pytest.raises(InputFileError) as caught:
        export_of(written(folder, content, name))
    assert caught.value.exit_code == EXIT_INPUT
    message = str(caught.value)
    assert name in message
    assert "\n" not in message
    assert "Тутова" not in message
    assert "916" not in message
    return message


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "cp1251", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r"])
def test_writings(tmp_path: Path, encoding: str, delimiter: str, ending: str) -> None:
    lines = [
        delimiter.join(HEADER),
        delimiter.join(["1 123.00", "Вера Тутова", '"+7 916 123-45-67; доб. 2"', "", "ё"]),
        "",
        delimiter.join(["124", "Пётр", "", "p@example.com", '"a"" b"']),
    ]
    text = ending.join([*lines, ""]).replace(" / ", " / ")
    export, rows, rejected = read(tmp_path, text.encode(encoding))
    assert export.delimiter == delimiter
    assert export.encoding == encoding
    assert export.header == HEADER
    assert not rejected
    assert [row.line_number for row in rows] == [2, 4]
    assert list(rows[0].cells.values()) == [
        "1 123.00", "Вера Тутова", "+7 916 123-45-67; доб. 2", "", "ё",
    ]  # fmt: skip
    assert rows[1].cells["Примечание"] == 'a" b'


def test_text_is_left_as_it_is(tmp_path: Path) -> None:
    _, rows, _ = read(tmp_path, LINE + '1;" Вера&nbsp;\u00a0";;;<b>x</b> \r\n2;Вера&nbsp;Т;;;\r\n')
    assert rows[0].cells["Имя Фамилия / Название"] == " Вера&nbsp;\u00a0"
    assert rows[0].cells["Примечание"] == "<b>x</b> "
    # an export that does not quote its entities
    assert rows[1].cells["Имя Фамилия / Название"] == "Вера&nbsp;Т"


def test_line_breaks_in_cells(tmp_path: Path) -> None:
    _, rows, rejected = read(tmp_path, LINE + '1;Вера;;;"a\r\nb;""c""\r\n\r\nd"\r\n2;Пётр;;;\r\n')
    assert [row.line_number for row in rows] == [2, 6]
    assert rows[0].cells["Примечание"] == 'a\r\nb;"c"\r\n\r\nd'
    assert not rejected


def test_header_repeats_gaps_and_titles(tmp_path: Path) -> None:
    export, rows, rejected = read(
        tmp_path,
        "Отчёт по контактам\r\n\r\nsep=;\r\nНомер;Телефон;Телефон;;Email;\r\n1;a;b;c;d;\r\n"
        "Номер;Телефон;Телефон;;Email;\r\n2;;;;;\r\n",
    )
    assert export.header == ["Номер", "Телефон", "Телефон (2)", "column_4", "Email"]
    assert rows[0].cells == {
        "Номер": "1", "Телефон": "a", "Телефон (2)": "b", "column_4": "c", "Email": "d",
    }  # fmt: skip
    assert [(item.line_number, item.reason_code) for item in rejected] == [
        (1, "before_header"),
        (6, "repeated_header"),
    ]
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("9;Вера", "missing_columns"),
        ("9;Вера;;;x;y", "too_many_columns"),
        ('9;"Вера;;;', "unclosed_quote"),
        ('9;"Вера" x";;', "malformed_quotes"),
        ("9;Вера\x00;;;", "control_characters"),
    ],
)
def test_unreadable_lines_are_kept(tmp_path: Path, line: str, reason: str) -> None:
    _, rows, rejected = read(tmp_path, LINE + f"1;a;;;\r\n{line}\r\n2;b;;;\r\n3;c;;;\r\n")
    assert [row.cells["Номер"] for row in rows] == ["1", "2", "3"]
    assert [(item.line_number, item.reason_code) for item in rejected] == [(3, reason)]
    assert rejected[0].raw_line == line.replace("\x00", "\\x00")
    assert "Вера" not in rejected[0].message


def test_a_damaged_line_does_not_change_the_encoding(tmp_path: Path) -> None:
    content = LINE.encode() + b"1;\xc2\xe5\xf0\xe0;;;\r\n" + "2;Вера;;;\r\n".encode()
    export, rows, rejected = read(tmp_path, content)
    assert export.encoding == "utf-8"
    assert [row.cells["Номер"] for row in rows] == ["2"]
    assert [(item.line_number, item.reason_code) for item in rejected] == [(2, "bad_encoding")]


@pytest.mark.parametrize(
    "tail",
    [
        "2;Тутова;+7 916",
        "2;Тутова;+7 916\r\n",
        '2;Тутова;;;"начало',
        '2;Тутова;;;"начало\r\nи дальше',
        '2;"Тутова',
        "2",
    ],
)
def test_a_cut_last_line(tmp_path: Path, tail: str) -> None:
    message = refusal(tmp_path, LINE + "1;a;;;\r\n" + tail)
    assert "line 3" in message
    assert "cut off" in message


def test_cut_inside_a_character(tmp_path: Path) -> None:
    content = (LINE + "1;a;;;\r\n2;b;;;Ё").encode()[:-1]
    assert "line 3" in refusal(tmp_path, content)


@pytest.mark.parametrize("delimiter", ["|", "^", ":"])
def test_wrong_delimiter(tmp_path: Path, delimiter: str) -> None:
    message = refusal(tmp_path, (LINE + "1;Тутова;;;\r\n").replace(";", delimiter))
    assert "line 1" in message
    assert "one column" in message


@pytest.mark.parametrize(
    "content",
    [
        "1;Вера Тутова;+7 916 123-45-67\r\n2;Пётр;\r\n",
        "Дата;Сумма;Статья\r\n01.01.2026;5;Тутова\r\n",
        '{"contacts": [{"name": "Тутова"}]}',
    ],
)
def test_no_known_header(tmp_path: Path, content: bytes | str) -> None:
    message = refusal(tmp_path, content)
    assert "line 1" in message
    assert "header" in message


@pytest.mark.parametrize(
    "content",
    [
        (LINE + "1;Тутова;;;\r\n").encode("koi8-r"),
        (LINE + "1;Тутова;;;\r\n").encode("cp866"),
        (LINE + "1;Тутова;;;\r\n").encode().decode("latin-1").encode(),
        (LINE + "1;Тутова;;;\r\n").encode().decode("cp1251", "ignore").encode("cp1251")[:-40],
    ],
)
def test_wrong_encoding(tmp_path: Path, content: bytes) -> None:
    message = refusal(tmp_path, content)
    assert "line 1" in message
    assert "UTF-8" in message


@pytest.mark.parametrize("content", ["", "\ufeff", "\r\n\r\n  \r\n"])
def test_empty(tmp_path: Path, content: str) -> None:
    assert "empty" in refusal(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (bytes(range(256)) * 20, "not a text file"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00\x01" * 500, "not a text file"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, ".xls"),
        (b"<!DOCTYPE html><html><body>Login</body></html>", "web page"),
        (b"PK\x03\x04 but no workbook", "workbook"),
    ],
)
def test_other_kinds_of_file(tmp_path: Path, content: bytes, word: str) -> None:
    assert word in refusal(tmp_path, content)


def test_no_line_fits(tmp_path: Path) -> None:
    message = refusal(tmp_path, LINE + "1,Тутова,a,b,c\r\n2,Пётр,a,b,c\r\n3,x;y;z;a;b;c\r\n")
    assert "line 2" in message


def workbook(folder: Path, *sheets: list[list[Any]], name: str = "contacts.xlsx") -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    path = folder / name
    book.save(path)
    return path


def test_workbook(tmp_path: Path) -> None:
    day = dt.datetime(1990, 12, 1)
    path = workbook(
        tmp_path,
        [["Ничего"]],
        [
            ["Отчёт"],
            ["Номер", "Телефон", "Дата рождения", "VIP", "Email"],
            [1123.0, 79161234567, day, True, None],
            [],
            [1124, "8 916\n8 903", day.replace(hour=9, minute=30), False, "a@example.com"],
            [1125, None, None, None, None, "лишнее"],
        ],
    )
    export = export_of(path)
    items = list(export.items())
    assert export.format == "xlsx"
    assert [item.cells for item in items if isinstance(item, ExportRow)] == [
        {
            "Номер": "1123",
            "Телефон": "79161234567",
            "Дата рождения": "01-12-1990",
            "VIP": "Да",
            "Email": "",
        },
        {
            "Номер": "1124",
            "Телефон": "8 916\n8 903",
            "Дата рождения": "01-12-1990 09:30",
            "VIP": "Нет",
            "Email": "a@example.com",
        },
    ]
    assert [
        (item.line_number, item.reason_code) for item in items if isinstance(item, RejectedLine)
    ] == [(1, "before_header"), (6, "too_many_columns")]


def test_workbook_named_csv(tmp_path: Path) -> None:
    path = workbook(tmp_path, [["Номер", "Телефон"], [1, 2]])
    assert export_of(path.rename(tmp_path / "contacts.csv")).row_count == 1


def test_workbook_with_two_lists(tmp_path: Path) -> None:
    rows = [["Номер", "Телефон"], [1, 2]]
    with pytest.raises(InputFileError, match="2 sheets"):
        export_of(workbook(tmp_path, rows, rows))
    with pytest.raises(InputFileError, match="no sheet"):
        export_of(workbook(tmp_path, [["a", "b"], [1, 2]]))


def test_headers_of_the_mapping_count(tmp_path: Path) -> None:
    path = written(tmp_path, "Contact no;Full name\r\n1;Vera\r\n")
    with pytest.raises(InputFileError, match="no header"):
        export_of(path)
    known = KnownHeaders([("contact&nbsp;NO", "number"), ("Full name", "name")])
    export = export_of(path, known)
    assert known.has_number(export.header)
    assert not KnownHeaders().has_number(export.header)


cell = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\ufeff"), max_size=12
)
multiline = st.one_of(cell, st.lists(cell, min_size=2, max_size=3).map("\r\n".join))


@given(
    st.lists(st.tuples(st.integers(1, 10**6), multiline, multiline), min_size=1, max_size=12),
    st.sampled_from([";", ",", "\t"]),
    st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_what_a_spreadsheet_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, str, str]],
    delimiter: str,
    quote_all: bool,
) -> None:
    import csv

    out = io.StringIO(newline="")
    writer = csv.writer(
        out, delimiter=delimiter, quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    )
    writer.writerow(["Номер", "Телефон", "Примечание"])
    writer.writerows(rows)
    folder = tmp_path_factory.mktemp("csv")
    _, found, rejected = read(folder, out.getvalue())
    assert not rejected
    assert [tuple(row.cells.values()) for row in found] == [
        (str(number), one, two) for number, one, two in rows
    ]


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, tail: bytes
) -> None:
    """Every line is a row, a rejected line or blank; or the file is refused as a whole."""
    path = written(tmp_path_factory.mktemp("csv"), LINE.encode() + b"1;a;;;\r\n" + tail)
    try:
        export = export_of(path)
    except InputFileError:
        return
    for item in export.items():
        if isinstance(item, RejectedLine):
            item.raw_line.encode()
            assert "\x00" not in item.raw_line


@pytest.mark.parametrize(
    ("file_format", "encoding"), [("csv-comma", "utf-8"), ("csv", "cp1251"), ("xlsx", "utf-8")]
)
def test_one_account_reads_the_same_in_every_format(
    file_format: str, encoding: str, tmp_path: Path
) -> None:
    account = generate(250, 9)

    def contents(name: str, **options: Any) -> dict[str, list[dict[str, str]]]:
        folder = tmp_path / name
        write_exports(account, folder, **options)
        found = {}
        for path in sorted(folder.iterdir()):
            export = export_of(path)
            assert not export.rejected_count
            found[path.stem] = [
                {header: plain(cell) for header, cell in item.cells.items()}
                for item in export.items()
                if isinstance(item, ExportRow)
            ]
        return found

    def plain(cell: str) -> str:
        # a workbook has no control characters, Windows-1251 no emoji: neither is the reader's doing
        kept = "".join(sign for sign in cell if sign >= " " or sign in "\t\n")
        return kept.encode("cp1251", "replace").decode("cp1251")

    expected = contents("expected")
    assert sum(map(len, expected.values())) > 250
    assert contents("other", file_format=file_format, encoding=encoding) == expected
