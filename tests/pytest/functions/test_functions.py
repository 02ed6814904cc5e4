"""The functions of functions/: tables of cases, and properties that hold for any text."""

from __future__ import annotations

import json
import re
import string
import uuid

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from loaders.python_functions.registry import load, python_functions
from tests.pytest.conftest import PROJECT
from tests.pytest.functions import cases

parse_phone = load("parse_phone")
parse_email = load("parse_email")
messenger_handle = load("messenger_handle")
name_skeleton = load("name_skeleton")
html_to_text = load("html_to_text")
uuid_v5 = load("uuid_v5")

REASONS = {
    "too_short", "too_long", "not_a_number", "unknown_region", "invalid_for_region", "placeholder",
    "empty",
}  # fmt: skip
TYPES = {"mobile", "fixed", "fixed_or_mobile", "voip", "toll_free", "premium", "other"}
anything = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=60
)
cells = st.text("+0123456789 ()-./,;x#доби\n\u00a0", max_size=60)
russian = st.integers(9_000_000_000, 9_999_999_999).map(str)


@pytest.mark.parametrize(("cell", "region", "expected"), cases.PHONES)
def test_phone_cells(cell: str, region: str | None, expected: list[tuple[str, str]]) -> None:
    found = [
        (item["e164"] or item["reason"], item["extension"]) for item in parse_phone(cell, region)
    ]
    assert found == expected


@pytest.mark.parametrize(
    ("cell", "region", "kind", "country", "zone"),
    [
        ("+79161234567", None, "mobile", "RU", None),
        ("+74951234567", None, "fixed", "RU", "Europe/Moscow"),
        ("+73832123456", None, "fixed", "RU", "Asia/Novosibirsk"),
        ("+78005553535", None, "toll_free", "RU", None),
        ("+77771234567", None, "mobile", "KZ", None),
        ("+375291234567", None, "mobile", "BY", "Europe/Minsk"),
        ("+3725123456", None, "mobile", "EE", "Europe/Tallinn"),
        ("+447400123456", None, "mobile", "GB", "Europe/London"),
        ("+12025550143", None, "fixed_or_mobile", "US", "America/New_York"),
        ("+919123456789", None, "mobile", "IN", "Asia/Kolkata"),
        ("+380441234567", None, "fixed", "UA", "Europe/Kyiv"),
    ],
)
def test_phone_facts(
    cell: str, region: str | None, kind: str, country: str, zone: str | None
) -> None:
    (found,) = parse_phone(cell, region)
    assert (found["type"], found["country_code"], found["timezone"]) == (kind, country, zone)


@given(st.one_of(anything, cells), st.sampled_from([None, "RU", "DE", "US", "??", "ru"]))
@example("+7 916 123-45-67 доб. ", "RU")
@example("((((((8 916", "RU")
@settings(max_examples=400, deadline=None)
def test_phone_shape(cell: str, region: str | None) -> None:
    found = parse_phone(cell, region)
    assert found
    json.dumps(found)
    for item in found:
        assert item["valid"] == (item["reason"] is None)
        if item["valid"]:
            assert phonenumbers.is_valid_number(phonenumbers.parse(item["e164"]))
            assert item["type"] in TYPES
            assert re.fullmatch("[0-9]{0,7}", item["extension"])
        else:
            assert item["reason"] in REASONS
            assert item["e164"] is None


@given(
    russian,
    st.sampled_from(["+7 {0} {1}-{2}-{3}", "8({0}){1}{2}{3}", "7{0}{1}{2}{3}", "{0} {1} {2} {3}"]),
)
@settings(max_examples=200, deadline=None)
def test_phone_writings_agree(digits: str, form: str) -> None:
    text = form.format(digits[:3], digits[3:6], digits[6:8], digits[8:])
    plain = parse_phone("+7" + digits, None)
    assert [item["e164"] for item in parse_phone(text, "RU")] == [item["e164"] for item in plain]


@given(
    st.lists(russian, min_size=1, max_size=4, unique=True),
    st.sampled_from([", ", ";", "\n", " / ", " и ", "  "]),
)
@settings(max_examples=200, deadline=None)
def test_phone_lists_are_split(numbers: list[str], separator: str) -> None:
    alone = [parse_phone("8" + digits, "RU")[0] for digits in numbers]
    together = parse_phone(separator.join("8" + digits for digits in numbers), "RU")
    assert [item["e164"] for item in together if item["valid"]] == [
        item["e164"] for item in alone if item["valid"]
    ]


@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)))
@settings(max_examples=250, deadline=None)
def test_phone_knows_every_country(region: str) -> None:
    number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    number = number or phonenumbers.example_number(region)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    (found,) = parse_phone(e164, None)
    assert found["e164"] == e164 or found["reason"] == "placeholder"
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    if len(phonenumbers.national_significant_number(number)) < 5:
        return
    (found,) = parse_phone(national, region)
    assert found["e164"] == e164 or found["reason"] == "placeholder"


@pytest.mark.parametrize(("cell", "expected"), cases.EMAILS)
def test_email_cells(cell: str, expected: list[tuple[str, str | None]]) -> None:
    found = parse_email(cell)
    assert [item["value"] or item["reason"] for item in found] == [value for value, _ in expected]
    assert [item["match_key"] for item in found] == [
        value if key == "=" else key for value, key in expected
    ]


@given(anything)
@settings(max_examples=300, deadline=None)
def test_email_shape(cell: str) -> None:
    found = parse_email(cell)
    assert found
    json.dumps(found)
    for item in found:
        assert item["valid"] == (item["reason"] is None) == (item["value"] is not None)
        if item["valid"]:
            assert item["value"] == item["value"].lower()
            assert item["value"].endswith("@" + item["domain"])
            # a stored value is read as itself
            assert parse_email(item["value"])[0]["value"] == item["value"]


@given(
    st.text(string.ascii_letters + string.digits, min_size=1, max_size=20),
    st.sampled_from(
        ["{}@example.com", " {}@Example.com ", "<{}@EXAMPLE.COM>", "mailto:{}@example.com."]
    ),
)
@settings(max_examples=200, deadline=None)
def test_email_writings_agree(local: str, form: str) -> None:
    assert parse_email(form.format(local))[0]["value"] == f"{local.lower()}@example.com"


@given(
    st.from_regex(
        r"[a-z0-9._%+\-]{1,12}@[a-z0-9.\-]{1,16}\.(ru|com|example|local|a|xn--p1ai)", fullmatch=True
    )
)
@settings(max_examples=500, deadline=None)
def test_email_short_cut_is_no_detour(address: str) -> None:
    """Plain addresses do without the validator; a blank in front makes them go through it."""
    (plain,) = parse_email(address)
    (checked,) = parse_email(" " + address)
    if plain["valid"]:
        assert {**plain, "text": ""} == {**checked, "text": ""}


@pytest.mark.parametrize(("channel", "cell", "answer", "value", "valid"), cases.HANDLES)
def test_handles(channel: str, cell: str, answer: str, value: str, valid: bool) -> None:
    found = messenger_handle(channel, cell)
    assert (found["channel"], found["value"] or found["reason"], found["valid"]) == (
        answer,
        value,
        valid,
    )


@given(
    st.sampled_from(["telegram", "whatsapp", "viber", "skype", "facebook", "instagram", "vk"]),
    st.one_of(anything, st.text("@:/?=.+atmevk0123456789[]%", max_size=40)),
)
@settings(max_examples=400, deadline=None)
def test_handle_shape(channel: str, cell: str) -> None:
    found = messenger_handle(channel, cell)
    assert found["valid"] == (found["value"] is not None) == (found["reason"] is None)
    if found["valid"] and not found["value"].startswith("id:"):
        # a canonical handle is read as itself
        assert messenger_handle(found["channel"], found["value"])["value"] == found["value"]


@pytest.mark.parametrize("names", cases.NAMES, ids=lambda names: names[0])
def test_spellings_meet(names: list[str]) -> None:
    assert len({name_skeleton(name) for name in names}) == 1


def test_different_names_stay_apart() -> None:
    distinct = [
        "Анна", "Яна", "Инна", "Алла", "Алина", "Арина", "Ирина", "Марина", "Мария", "Маргарита",
        "Валерий", "Валерия", "Виктор", "Виктория", "Евгений", "Евгения", "Александр",
        "Александра", "Алексей", "Андрей", "Антон", "Артём", "Артур", "Борис", "Вадим", "Василий",
        "Глеб", "Денис", "Дмитрий", "Егор", "Иван", "Игорь", "Илья", "Кирилл", "Константин",
        "Лев", "Леонид", "Максим", "Михаил", "Никита", "Николай", "Олег", "Ольга", "Павел",
        "Пётр", "Полина", "Роман", "Руслан", "Рустам", "Семён", "Сергей", "Степан", "Тимур",
        "Фёдор", "Юлия", "Юрий", "Ярослав", "Вячеслав", "Владислав", "Станислав", "Святослав",
    ]  # fmt: skip
    assert len({name_skeleton(name) for name in distinct}) == len(distinct)


@given(anything)
@settings(max_examples=300, deadline=None)
def test_skeleton_shape(token: str) -> None:
    assert re.fullmatch("[a-z0-9]*", name_skeleton(token))


# the Turkish i is left out: its two cases are two other letters elsewhere
@given(
    st.text(
        st.characters(max_codepoint=0x52F, categories=["Lu", "Ll"], exclude_characters="ıİ"),
        max_size=12,
    )
)
@settings(max_examples=300, deadline=None)
def test_skeleton_ignores_case(token: str) -> None:
    assert name_skeleton(token.upper()) == name_skeleton(token.lower())


@pytest.mark.parametrize(("text", "expected"), cases.HTML)
def test_notes(text: str, expected: str) -> None:
    assert html_to_text(text) == expected


@given(st.one_of(anything, st.text("<>/abpdivr =\"'&;#0\n", max_size=80)))
@settings(max_examples=400, deadline=None)
def test_note_shape(text: str) -> None:
    found = html_to_text(text)
    assert found == found.strip()
    assert "\n\n\n" not in found
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", found)


def test_uuid_is_fixed_for_ever() -> None:
    assert uuid_v5("planfix:1") == "0b0e90e7-bd19-5c6c-94a8-a3fd44a6a4d1"
    assert uuid.UUID(uuid_v5("planfix:2")).version == 5


@given(anything)
@settings(max_examples=200, deadline=None)
def test_uuid_is_that_of_the_standard_library(name: str) -> None:
    assert uuid_v5(name) == str(uuid.uuid5(uuid.UUID("8f2b6d1e-52c7-5c0e-9a54-3d6b1f0e7a29"), name))


@given(st.text(st.characters(max_codepoint=127, blacklist_characters="\x00"), max_size=40))
@settings(max_examples=200, deadline=None)
def test_a_handle_in_wide_letters_is_the_same_handle(raw: str) -> None:
    # wide letters are folded, plain ones are left as they are: both must come to the same
    wide = "".join(chr(ord(sign) + 0xFEE0) if sign.isalnum() else sign for sign in raw)
    assert messenger_handle("telegram", wide) == messenger_handle("telegram", raw)


@pytest.mark.parametrize("name", sorted(python_functions()))
def test_null_gives_null(name: str) -> None:
    assert load(name)(*[None] * len(python_functions()[name].arguments)) is None


def test_pinned_packages_are_those_of_the_lock() -> None:
    locked = dict(
        re.findall(r"^([a-z0-9_.\-]+)==(\S+)", (PROJECT / "requirements.lock").read_text(), re.M)
    )
    for function in python_functions().values():
        for pinned in function.packages:
            name, _, version = pinned.partition("==")
            assert locked[name] == version, f"{function.name}: {pinned} in _functions.yml"
        function.check_packages()


def test_files_can_stand_in_a_database_function() -> None:
    for name in python_functions():
        source = (PROJECT / "functions" / f"{name}.py").read_text(encoding="utf-8")
        assert "'''" not in source
        # dbt renders the file as a template
        assert not re.search(r"\{\{|\{%|\{#", source)
