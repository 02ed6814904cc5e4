"""Lays cards and clients out for the eye: what differs, and what stands where.

Nothing here makes HTML: the templates show every text as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

# a value in pieces: the text, and whether another card shows it as well
Pieces = list[tuple[str, bool]]

_WORDS = re.compile(r"\s+|[^\s]+")
# titles of a client's columns and the names of the same thing on a card, by kind of source
_FIELDS: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("Name", "display_name", (), ("Имя Фамилия / Название", "Контактное лицо", "Название")),
    ("Given name", "given_name", ("name",), ("Имя",)),
    ("Patronymic", "middle_name", ("midname",), ("Отчество",)),
    ("Family name", "family_name", ("lastname",), ("Фамилия",)),
    ("Kind", "kind", ("isCompany",), ()),
    ("Company", "company_name", ("companies",), ("Компания",)),
    ("Position", "position", ("position",), ("Должность",)),
    ("Born", "birth_date", ("birthDate",), ("Дата рождения",)),
    ("Gender", "gender", ("gender",), ("Пол / Тип",)),
    ("Site", "website", ("site",), ("Сайт",)),
    ("Address", "address", ("address",), ("Адрес",)),
    ("City", "city", (), ("Город",)),
    ("Country", "country_code", (), ("Страна",)),
    ("Language", "language", ("communicationLanguageCode", "languageCode"), ("Язык",)),
    ("Time zone", "timezone", ("timezone",), ("Часовой пояс",)),
    ("Manager", "owner_user_id", ("supervisors",), ("Ответственный",)),
    ("Created", "source_created_at", ("createdDate",), ("Дата создания",)),
    ("Changed", "source_updated_at", ("dateOfLastUpdate",), ("Дата изменения",)),
)
_CHANNELS = (
    "phones",
    "email",
    "additionalEmailAddresses",
    "telegram",
    "telegramId",
    "viberId",
    "skype",
    "facebook",
    "instagram",
    "vk",
)
_CSV_CHANNELS = re.compile(r"телефон|email|почта|telegram|whatsapp|viber|skype|vk", re.IGNORECASE)
_NAMES = {
    "phones": "phone",
    "additionalEmailAddresses": "email",
    "telegramId": "telegram",
    "viberId": "viber",
}
# says nothing to a reader
_SILENT = {"id", "template", "isDeleted", "sourceObjectId", "sourceDataVersion", "addedBy", "files"}


def marked(values: Sequence[Any], is_list: bool) -> list[Pieces]:
    """Cuts the values of a row into pieces and notes which other cards show them too.

    Args:
        values: one value per card.
        is_list: true for lists, one item a line; false for text, which is cut into words.

    Returns:
        One list of pieces per card.
    """
    cut = [_cut("" if value is None else str(value), is_list) for value in values]
    said = [{piece.casefold() for piece in pieces if piece.strip()} for pieces in cut]
    return [
        [
            (
                piece,
                any(piece.casefold() in other for place, other in enumerate(said) if place != own),
            )
            for piece in pieces
        ]
        for own, pieces in enumerate(cut)
    ]


def _cut(text: str, is_list: bool) -> list[str]:
    return text.splitlines(keepends=True) if is_list else _WORDS.findall(text)


def sides(source: Mapping[str, Any], target: Mapping[str, Any]) -> dict[str, Any]:
    """Lays a sampled client out beside its cards.

    Args:
        source: the cards as they came: `api` and `csv`.
        target: the rows of the client.

    Returns:
        `heads` (one per card), `rows` (title, texts per card, text of the client) and `target`.
    """
    cards = [("card", card) for card in source.get("api") or []]
    lines = [("line", line) for line in source.get("csv") or []]
    found = [*cards, *lines]
    client = target.get("customer") or {}
    rows = [
        (title, [_named(kind, card, api, csv) for kind, card in found], _text(client.get(column)))
        for title, column, api, csv in _FIELDS
    ]
    contacts = [
        f"{item['channel']}: {item['value']}"
        + (f" ext. {item['extension']}" if item.get("extension") else "")
        + (" (first)" if item.get("is_primary") else "")
        for item in target.get("contacts") or []
    ]
    consents = [
        f"{item['channel']}, {item['purpose']}: {item['status']}"
        for item in target.get("consents") or []
    ]
    notes = [
        " ".join(str(item[key]) for key in ("noted_at", "author_name") if item.get(key))
        + "\n"
        + str(item.get("body") or "")
        for item in target.get("notes") or []
    ]
    rows += [
        ("Channels", [_channels(kind, card) for kind, card in found], "\n".join(contacts)),
        ("Own fields", [_own_fields(kind, card) for kind, card in found], "\n".join(consents)),
        ("Tags", [_named(kind, card, ("group",), ("Группа",)) for kind, card in found],
         "\n".join(map(str, target.get("tags") or []))),
        ("Notes", [_named(kind, card, ("description",), ("Описание",)) for kind, card in found],
         "\n\n".join(notes)),
    ]  # fmt: skip
    return {
        "heads": [
            {
                "number": card.get("planfix_id"),
                "from": "Planfix" if kind == "card" else f"{card.get('file')}, {card.get('line')}",
                "rule": card.get("match_rule"),
            }
            for kind, card in found
        ],
        "rows": [row for row in rows if row[2] or any(row[1])],
    }


def _named(kind: str, card: Mapping[str, Any], api: tuple[str, ...], csv: tuple[str, ...]) -> str:
    values = card.get("card") if kind == "card" else card.get("cells")
    names = api if kind == "card" else csv
    if kind == "card" and names == ("isCompany",):
        return "company" if (values or {}).get("isCompany") else "person"
    texts = [_text((values or {}).get(name)) for name in names]
    return "\n".join(dict.fromkeys(text for text in texts if text))


def _channels(kind: str, card: Mapping[str, Any]) -> str:
    values = (card.get("card") if kind == "card" else card.get("cells")) or {}
    if kind == "card":
        names = [name for name in _CHANNELS if values.get(name)]
    else:
        names = [name for name in values if _CSV_CHANNELS.search(name) and values[name]]
    return "\n".join(_text(values[name], name) for name in names if _text(values[name]))


def _own_fields(kind: str, card: Mapping[str, Any]) -> str:
    """Returns custom fields of a card, or the columns of a line that have no row of their own."""
    if kind == "card":
        fields = (card.get("custom_fields") or {}).values()
        return "\n".join(
            f"{field.get('name')}: {_text(field.get('stringValue') or field.get('value'))}"
            for field in fields
        )
    shown = {name for _, _, _, names in _FIELDS for name in names} | {"Номер", "Группа", "Описание"}
    return "\n".join(
        f"{name}: {text}"
        for name, text in (card.get("cells") or {}).items()
        if text and name not in shown and not _CSV_CHANNELS.search(name)
    )


def _text(value: Any, name: str = "") -> str:
    """Returns any JSON value as a short text, in front of it what it is called, if anything."""
    if name:
        return f"{_NAMES.get(name, name)}: {_text(value)}"
    if value is None or value in ("", "NotDefined"):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        for key in ("number", "name", "datetime"):
            if value.get(key):
                return str(value[key])
        return ", ".join(
            text for key, inner in value.items() if key not in _SILENT and (text := _text(inner))
        )
    if isinstance(value, list):
        return ", ".join(text for inner in value if (text := _text(inner)))
    return str(value)
