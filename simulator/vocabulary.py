"""The word lists of the generator, read from `simulator/data/*.csv`.

Given names and surnames are ordinary ones, combined at random; companies, domains and addresses
are invented. Phone prefixes were chosen so that a prefix plus random digits is a valid number.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

DATA_DIR = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True)
class PhonePlan:
    """Number ranges of one country; lengths are of the national number."""

    calling_code: str
    mobile: tuple[str, ...]
    mobile_length: int
    fixed: tuple[str, ...]
    fixed_length: int


@dataclass(frozen=True)
class City:
    """A city with its airports."""

    name_ru: str
    name_en: str
    country: str
    timezone: str
    airports: tuple[str, ...]


@dataclass(frozen=True)
class Country:
    """A country with the ways people write it by hand."""

    code: str
    name_ru: str
    name_en: str
    language_en: str
    language_ru: str
    writings: tuple[str, ...]


@dataclass
class Vocabulary:
    """All lists, ready for drawing from."""

    given_ru: dict[str, list[tuple[str, tuple[str, ...]]]] = field(default_factory=dict)
    surnames_ru: list[tuple[str, str]] = field(default_factory=list)
    patronymics_ru: list[tuple[str, str]] = field(default_factory=list)
    given_latin: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    surnames_latin: dict[str, list[str]] = field(default_factory=dict)
    short_latin: dict[str, tuple[str, ...]] = field(default_factory=dict)
    countries: dict[str, Country] = field(default_factory=dict)
    cities: dict[str, list[City]] = field(default_factory=dict)
    phones: dict[str, PhonePlan] = field(default_factory=dict)
    company_words: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    legal_forms: dict[str, list[str]] = field(default_factory=dict)
    positions: list[tuple[str, str]] = field(default_factory=list)
    streets: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA_DIR / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def vocabulary() -> Vocabulary:
    """Reads all lists once."""
    words = Vocabulary()
    for row in _rows("given_names_ru"):
        short = tuple(part for part in row["short_forms"].split(";") if part)
        words.given_ru.setdefault(row["sex"], []).append((row["name"], short))
    words.surnames_ru = [(row["male"], row["female"]) for row in _rows("surnames_ru")]
    words.patronymics_ru = [(row["male"], row["female"]) for row in _rows("patronymics_ru")]
    for row in _rows("names_latin"):
        if row["part"] == "given":
            words.given_latin.setdefault((row["country"], row["sex"]), []).append(row["name"])
        else:
            words.surnames_latin.setdefault(row["country"], []).append(row["name"])
    for row in _rows("short_forms_latin"):
        words.short_latin[row["name"]] = tuple(row["short_forms"].split(";"))
    calling = {}
    for row in _rows("countries"):
        calling[row["code"]] = row["calling_code"]
        words.countries[row["code"]] = Country(
            code=row["code"],
            name_ru=row["name_ru"],
            name_en=row["name_en"],
            language_en=row["language_en"],
            language_ru=row["language_ru"],
            writings=tuple(part for part in row["writings"].split(";") if part),
        )
    for row in _rows("cities"):
        city = City(
            name_ru=row["name_ru"],
            name_en=row["name_en"],
            country=row["country"],
            timezone=row["timezone"],
            airports=tuple(row["airports"].split(",")),
        )
        words.cities.setdefault(city.country, []).append(city)
    plans: dict[str, dict[str, dict[str, str]]] = {}
    for row in _rows("phone_plans"):
        plans.setdefault(row["country"], {})[row["kind"]] = row
    for code, kinds in plans.items():
        words.phones[code] = PhonePlan(
            calling_code=calling[code],
            mobile=tuple(kinds["mobile"]["prefixes"].split()),
            mobile_length=int(kinds["mobile"]["national_length"]),
            fixed=tuple(kinds["fixed"]["prefixes"].split()),
            fixed_length=int(kinds["fixed"]["national_length"]),
        )
    for row in _rows("company_words"):
        key = (row["script"], int(row["position"]))
        words.company_words.setdefault(key, []).append(row["word"])
    for row in _rows("legal_forms"):
        words.legal_forms.setdefault(row["country"], []).append(row["form"])
    words.positions = [(row["name_ru"], row["name_en"]) for row in _rows("positions")]
    words.streets = [(row["name_ru"], row["name_en"]) for row in _rows("streets")]
    words.notes = [(row["language"], row["text"]) for row in _rows("notes")]
    return words
