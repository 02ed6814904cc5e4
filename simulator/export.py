"""Writes the account as the CSV files that the Planfix user interface exports.

One master file of companies, one of contacts, one per saved filter (segment). Semicolons, UTF-8
with byte order mark, Russian headers, numbers as `123.00`, several phones in one cell, companies by
name, non-breaking blanks, literal `&nbsp;`, blank lines. Segment files are older than the master
files: records created since are missing in them, records deleted since still stand there.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from openpyxl import Workbook

from simulator.control import write_truth
from simulator.generator import DAY
from simulator.model import Account, Contact
from simulator.render import ACCOUNT_ZONE
from simulator.setup import SEGMENTS
from simulator.texts import spell
from simulator.writings import NBSP

SAMPLE_MARK = "SAMPLE_DATA"
COMPANY_MASTER = "Компании"
CONTACT_MASTER = "Контакты"

Cell = Callable[["Exporter", Contact], str]


class Exporter:
    """Renders cells of one account."""

    def __init__(self, account: Account, *, spaced_numbers: bool = False) -> None:
        self.account = account
        self.spaced_numbers = spaced_numbers
        self.users = {user.id: user.full_name for user in account.users}

    def number(self, contact: Contact) -> str:
        """Writes the contact number the way the export does, as a decimal."""
        if self.spaced_numbers:
            return f"{contact.id:,}.00".replace(",", NBSP)
        return f"{contact.id}.00"

    def users_by_name(self, numbers: Iterable[int]) -> str:
        """Writes employees by name."""
        return ", ".join(self.users[number] for number in numbers)

    def custom(self, contact: Contact, number: int) -> str:
        """Writes the value of a custom field."""
        value = contact.custom.get(number)
        if value is None:
            return ""
        kind = self.account.custom_fields[number].type
        if kind == 7:
            return "Да" if value else "Нет"
        if kind == 3:
            return f"{dt.date.fromordinal(value):%d-%m-%Y}"
        return str(value)

    def rows(
        self, contacts: Iterable[Contact], columns: list[tuple[str, Cell]]
    ) -> Iterator[list[str]]:
        """Yields the cells of records, with the dirt of real exports."""
        rng = random.Random(f"export:{self.account.seed}:{self.account.size}:{len(columns)}")
        for contact in contacts:
            cells = [cell(self, contact) for _, cell in columns]
            draw = rng.random()
            if draw < 0.06:
                place = 1 + int(rng.random() * (len(cells) - 1))
                cells[place] = cells[place].replace(" ", NBSP)
            elif draw < 0.09:
                place = 1 + int(rng.random() * (len(cells) - 1))
                if cells[place]:
                    cells[place] = f"{cells[place]}&nbsp;"
            elif draw < 0.10:
                cells[1] = cells[1].replace(" ", "&nbsp;", 1)
            yield cells
            if draw > 0.995:
                yield [""] * len(columns) if draw > 0.9975 else []


def _moment(epoch: int) -> str:
    return f"{dt.datetime.fromtimestamp(epoch, ACCOUNT_ZONE):%d-%m-%Y %H:%M}"


def _custom(number: int) -> Cell:
    return lambda e, c: e.custom(c, number)


def _sex_or_type(exporter: Exporter, contact: Contact) -> str:
    if contact.is_company:
        return exporter.account.groups.get(contact.group_id, "Компания").replace("&nbsp;", NBSP)
    return {"Female": "Женский", "Male": "Мужской"}.get(contact.gender, "")


NUMBER: tuple[str, Cell] = ("Номер", lambda e, c: e.number(c))
NAME: tuple[str, Cell] = ("Имя Фамилия / Название", lambda e, c: c.full_name)
PHONE: tuple[str, Cell] = ("Телефон", lambda e, c: ", ".join(text for text, _ in c.phones))
EMAIL: tuple[str, Cell] = (
    "Email",
    lambda e, c: ", ".join(mail for mail in (c.email, *c.more_emails) if mail),
)
SITE: tuple[str, Cell] = ("Сайт", lambda e, c: c.site)
SEX: tuple[str, Cell] = ("Пол / Тип", _sex_or_type)
OWNER: tuple[str, Cell] = ("Ответственный", lambda e, c: e.users_by_name(c.supervisors))
ADDED: tuple[str, Cell] = ("Добавил", lambda e, c: e.users_by_name((c.added_by,)))
COMPANY: tuple[str, Cell] = ("Компания", lambda e, c: ", ".join(x.name for x in c.companies))
PEOPLE: tuple[str, Cell] = (
    "Контакты",
    lambda e, c: ", ".join(p.full_name for p in c.people or () if not p.is_deleted),
)
POSITION: tuple[str, Cell] = ("Должность", lambda e, c: c.position)
GROUP: tuple[str, Cell] = ("Группа", lambda e, c: e.account.groups.get(c.group_id, ""))
ADDRESS: tuple[str, Cell] = ("Адрес", lambda e, c: c.address)
CREATED: tuple[str, Cell] = ("Дата создания", lambda e, c: _moment(c.created))
CHANGED: tuple[str, Cell] = ("Дата изменения", lambda e, c: _moment(c.updated))
DESCRIPTION: tuple[str, Cell] = ("Описание", lambda e, c: spell(c.description))

COMPANY_COLUMNS: list[tuple[str, Cell]] = [
    NUMBER, NAME, PHONE, EMAIL, SITE, PEOPLE, OWNER, SEX, GROUP, ADDRESS,
    ("Страна", _custom(3104)), ("Город", _custom(3105)), ("ИНН", _custom(3110)),
    ("Код 1С", _custom(3109)), CREATED, CHANGED, DESCRIPTION,
]  # fmt: skip
CONTACT_COLUMNS: list[tuple[str, Cell]] = [
    NUMBER, NAME, PHONE, EMAIL, COMPANY, POSITION, SITE, SEX, ADDED, OWNER, GROUP,
    ("Telegram", lambda e, c: c.telegram), ("Skype", lambda e, c: c.skype),
    ("Facebook", lambda e, c: c.facebook), ("Instagram", lambda e, c: c.instagram),
    ("Viber", lambda e, c: c.viber_id), ADDRESS,
    (
        "Дата рождения",
        lambda e, c: (
            f"{dt.date.fromordinal(c.birth_date):%d-%m-%Y}" if c.birth_date else ""
        ),
    ),
    ("Язык", _custom(3101)), ("Страна", _custom(3104)), ("Город", _custom(3105)),
    ("WhatsApp", _custom(3106)), ("Согласие на рассылку", _custom(3107)),
    ("Согласие WhatsApp", _custom(3108)), ("Не звонить", _custom(3114)), ("VIP", _custom(3103)),
    ("Код 1С", _custom(3109)), ("Старый ID", _custom(3113)),
    # two custom fields with one label: the export repeats the header
    ("Комментарий", _custom(3111)), ("Комментарий", _custom(3112)),
    ("Часовой пояс", _custom(3115)), ("Любимый цвет", _custom(3116)),
    CREATED, CHANGED, DESCRIPTION,
]  # fmt: skip
SEGMENT_COMPANY_COLUMNS = [NUMBER, NAME, PHONE, EMAIL, SITE, PEOPLE, OWNER, SEX]
SEGMENT_CONTACT_COLUMNS = [NUMBER, NAME, PHONE, EMAIL, COMPANY, POSITION, SITE, SEX, ADDED]


def segment_columns(key: str) -> list[tuple[str, Cell]]:
    """Returns the columns that somebody picked for a saved filter."""
    if key.endswith("_companies"):
        return SEGMENT_COMPANY_COLUMNS
    if key in {"potential_agents", "potential_suppliers"}:
        columns = [NUMBER, NAME, PHONE, EMAIL, COMPANY, PEOPLE, POSITION, SITE, SEX]
        if key == "potential_agents":
            columns = [*columns, ("Источник обращения", lambda e, c: "Выставка")]
        return columns
    return SEGMENT_CONTACT_COLUMNS


def segment_moment(account: Account, position: int) -> int:
    """Returns when a segment file was exported: one after the other in the last weeks."""
    return account.anchor - (3 + 5 * position) * DAY


def segment_records(account: Account, key: str, moment: int) -> list[Contact]:
    """Returns what a saved filter showed at a moment; a deleted record was last changed then."""
    return [
        contact
        for contact in account.contacts
        if key in contact.segments
        and contact.created <= moment
        and (not contact.is_deleted or contact.updated > moment)
    ]


def write_exports(
    account: Account,
    folder: Path,
    *,
    file_format: str = "csv",
    encoding: str = "utf-8",
    is_sample: bool = False,
    truth: Path | None = None,
    spaced_numbers: bool = False,
) -> dict[str, int]:
    """Writes all export files.

    Args:
        account: what to export.
        folder: where to; created when missing.
        file_format: `csv` (semicolons), `csv-comma` or `xlsx`.
        encoding: `utf-8` (with byte order mark) or `cp1251` (unknown characters become `?`).
        is_sample: mark the folder as the bundled sample.
        truth: also write the ground truth to this file.
        spaced_numbers: write `1 234.00` with a non-breaking blank.

    Returns:
        Records per file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    exporter = Exporter(account, spaced_numbers=spaced_numbers)
    live = list(account.live_contacts())
    companies = [contact for contact in live if contact.is_company]
    people = [contact for contact in live if not contact.is_company]
    jobs = [
        (COMPANY_MASTER, COMPANY_COLUMNS, companies, account.anchor),
        (CONTACT_MASTER, CONTACT_COLUMNS, people, account.anchor),
    ]
    for position, (key, _, name) in enumerate(SEGMENTS):
        moment = segment_moment(account, position)
        jobs.append((name, segment_columns(key), segment_records(account, key, moment), moment))
    counts = {}
    suffix = "xlsx" if file_format == "xlsx" else "csv"
    for name, columns, contacts, moment in jobs:
        path = folder / f"{name}.{suffix}"
        header = [title for title, _ in columns]
        rows = exporter.rows(contacts, columns)
        if file_format == "xlsx":
            _write_xlsx(path, header, rows)
        else:
            _write_csv(path, header, rows, "," if file_format == "csv-comma" else ";", encoding)
        os.utime(path, (moment, moment))
        counts[path.name] = len(contacts)
    if is_sample:
        (folder / SAMPLE_MARK).write_text("synthetic sample account\n", encoding="utf-8")
    if truth is not None:
        truth.parent.mkdir(parents=True, exist_ok=True)
        with truth.open("w", encoding="utf-8", newline="") as out:
            write_truth(account, out)
    return counts


def _write_csv(
    path: Path, header: list[str], rows: Iterable[list[str]], delimiter: str, encoding: str
) -> None:
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    with path.open("w", encoding=codec, errors="replace", newline="") as out:
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
        writer.writerow(header)
        for row in rows:
            if row:
                writer.writerow(row)
            else:
                out.write("\r\n")


def _write_xlsx(path: Path, header: list[str], rows: Iterable[list[str]]) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Контакты")
    sheet.append(header)
    for row in rows:
        # the file format knows no control characters
        sheet.append(["".join(c for c in cell if c >= " " or c in "\t\n\r") for cell in row])
    buffer = io.BytesIO()
    book.save(buffer)
    path.write_bytes(buffer.getvalue())
