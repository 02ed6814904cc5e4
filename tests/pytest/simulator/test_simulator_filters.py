"""Filters: what each selects, and dates in the zone of the employee who owns the token."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from simulator.filters import FilterError, IgnoredFilterError, interval
from simulator.model import Contact

from .conftest import Client, condition


def live(client: Client) -> list[Contact]:
    return list(client.account.live_contacts())


def local(text: str, zone: str) -> int:
    """Epoch second of a wall time."""
    moment = dt.datetime.strptime(text, "%d-%m-%Y %H:%M:%S")
    return int(moment.replace(tzinfo=ZoneInfo(zone)).timestamp())


def put_change_at(client: Client, moment: int) -> int:
    number = live(client)[0].id
    client.act("edit", id=number, at=moment)
    return number


def window(start: str, end: str) -> dict[str, Any]:
    value = {"dateType": "otherRange_withTime", "dateFrom": start, "dateTo": end}
    return condition(38, value)


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Moscow", "30-06-2031"),
        ("UTC", "30-06-2031"),
        ("Asia/Kolkata", "30-06-2031"),  # half an hour
        ("Asia/Kathmandu", "30-06-2031"),  # three quarters
        ("Europe/Berlin", "30-03-2031"),  # clocks go forward
        ("Europe/Berlin", "26-10-2031"),  # clocks go back
        ("Australia/Lord_Howe", "05-10-2031"),  # by half an hour
    ],
)
def test_the_change_filter_is_read_in_the_owners_zone(client: Client, zone: str, day: str) -> None:
    client.switch(owner_timezone=zone)
    number = put_change_at(client, local(f"{day} 12:00:30", zone))
    assert client.ids(window(f"{day} 12:00", f"{day} 12:00")) == {number}
    assert client.ids(window(f"{day} 00:00", f"{day} 23:59")) == {number}
    assert client.ids(window(f"{day} 12:01", f"{day} 12:30")) == set()
    assert client.ids(window(f"{day} 11:00", f"{day} 11:59")) == set()
    other = "UTC" if zone != "UTC" else "Europe/Moscow"
    client.switch(owner_timezone=other)
    assert client.ids(window(f"{day} 12:00", f"{day} 12:00")) == set()


@pytest.mark.parametrize(
    ("end", "seconds", "found"),
    [
        ("inclusive", 59, True),
        ("instant", 0, True),
        ("instant", 1, False),
        ("exclusive", 0, False),
    ],
)
def test_the_end_of_a_window_is_a_switch(
    client: Client, end: str, seconds: int, found: bool
) -> None:
    client.switch(range_end=end)
    put_change_at(client, local(f"30-06-2031 12:00:{seconds:02d}", "Europe/Moscow"))
    assert bool(client.ids(window("30-06-2031 11:00", "30-06-2031 12:00"))) is found


def test_filter_38_can_be_ignored_or_refused(client: Client) -> None:
    nothing = window("01-01-2040 00:00", "01-01-2040 01:00")
    assert client.ids(nothing) == set()
    client.switch(filter_38="ignored")
    assert client.ids(nothing) == client.ids()
    client.switch(filter_38="refused")
    reply = client.post("contact/list", {"filters": [nothing]})
    assert (reply.status_code, reply.json()["code"]) == (400, 41)


@pytest.mark.parametrize(
    ("operator", "test"),
    [
        ("equal", lambda day: day == dt.date(2024, 5, 10)),
        ("notequal", lambda day: day != dt.date(2024, 5, 10)),
        ("gt", lambda day: day > dt.date(2024, 5, 10)),
        ("lt", lambda day: day < dt.date(2024, 5, 10)),
        ("gtAndEqual", lambda day: day >= dt.date(2024, 5, 10)),
        ("ltAndEqual", lambda day: day <= dt.date(2024, 5, 10)),
    ],
)
def test_operators_on_the_creation_date(client: Client, operator: str, test: Any) -> None:
    zone = ZoneInfo("Europe/Moscow")
    value = {"dateType": "otherDate", "dateValue": "10-05-2024"}
    wanted = {
        contact.id
        for contact in live(client)
        if test(dt.datetime.fromtimestamp(contact.created, zone).date())
    }
    assert client.ids(condition(12, value, operator)) == wanted


def test_gt_a_day_and_lt_a_day_enclose_the_days_between(client: Client) -> None:
    after = condition(12, {"dateType": "otherDate", "dateValue": "30-06-2024"}, "gt")
    before = condition(12, {"dateType": "otherDate", "dateValue": "01-08-2024"}, "lt")
    july = condition(
        12, {"dateType": "otherRange", "dateFrom": "01-07-2024", "dateTo": "31-07-2024"}
    )
    assert client.ids(after, before) == client.ids(july) != set()


def test_relative_dates_follow_the_clock(client: Client) -> None:
    client.act("clock", now="2031-06-30T21:30:00+00:00")  # 00:30 on 1 July in Moscow
    number = put_change_at(client, local("01-07-2031 00:10:00", "Europe/Moscow"))
    for value in ({"dateType": "today"}, {"dateType": "thisMonth"},
                  {"dateType": "last", "dateValue": 3}):  # fmt: skip
        assert client.ids(condition(38, value)) == {number}
    for kind in ("yesterday", "lastMonth", "tomorrow"):
        assert client.ids(condition(38, {"dateType": kind})) == set()
    client.act("clock", advance=86_400)
    assert client.ids(condition(38, {"dateType": "yesterday"})) == {number}


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ({"dateType": "today"}, "2025-07-02", "2025-07-03"),
        ({"dateType": "yesterday"}, "2025-07-01", "2025-07-02"),
        ({"dateType": "tomorrow"}, "2025-07-03", "2025-07-04"),
        ({"dateType": "thisWeek"}, "2025-06-30", "2025-07-07"),
        ({"dateType": "lastWeek"}, "2025-06-23", "2025-06-30"),
        ({"dateType": "nextWeek"}, "2025-07-07", "2025-07-14"),
        ({"dateType": "thisMonth"}, "2025-07-01", "2025-08-01"),
        ({"dateType": "lastMonth"}, "2025-06-01", "2025-07-01"),
        ({"dateType": "nextMonth"}, "2025-08-01", "2025-09-01"),
        ({"dateType": "last", "dateValue": 2}, "2025-06-30", "2025-07-03"),
        ({"dateType": "next", "dateValue": "2"}, "2025-07-02", "2025-07-05"),
        ({"dateType": "in", "dateValue": 1}, "2025-07-03", "2025-07-04"),
        ({"dateType": "otherDate", "dateValue": "05-01-2025"}, "2025-01-05", "2025-01-06"),
        ({"dateType": "otherDate", "dateFrom": "05-01-2025"}, "2025-01-05", "2025-01-06"),
        (
            {"dateType": "otherRange", "dateFrom": "05-01-2025", "dateTo": "06-01-2025"},
            "2025-01-05",
            "2025-01-07",
        ),
        (
            {"dateType": "otherDate_withTime", "dateFrom": "05-01-2025 10:15"},
            "2025-01-05T10:15",
            "2025-01-05T10:16",
        ),
    ],
)
def test_date_values(value: dict[str, Any], low: str, high: str) -> None:
    found = interval(value, dt.datetime(2025, 7, 2, 13, 5))
    assert found == (dt.datetime.fromisoformat(low), dt.datetime.fromisoformat(high))


def test_malformed_dates_are_refused_and_foreign_spellings_ignored() -> None:
    now = dt.datetime(2025, 7, 2)
    for value in (None, {}, {"dateType": "soon"}, {"dateType": "otherDate", "dateValue": "2025"},
                  {"dateType": "last", "dateValue": "x"}, {"dateType": "otherRange"}):  # fmt: skip
        with pytest.raises(FilterError):
            interval(value, now)
    period = {"dateType": "anotherperiod", "dateFrom": "01-01-2025", "dateTo": "02-01-2025"}
    with pytest.raises(IgnoredFilterError):
        interval(period, now)
    assert interval(period, now, xml_date_types="accepted")[1] == dt.datetime(2025, 1, 3)


def test_birth_dates_know_no_zone(client: Client) -> None:
    contact = next(contact for contact in live(client) if contact.birth_date)
    day = dt.date.fromordinal(contact.birth_date)
    value = {"dateType": "otherDate", "dateValue": f"{day:%d-%m-%Y}"}
    for zone in ("Pacific/Kiritimati", "America/Los_Angeles"):
        client.switch(owner_timezone=zone)
        assert contact.id in client.ids(condition(4223, value))
        assert contact.id in client.ids(
            condition(4011, {**value, "dateValue": f"{day:%d-%m}-2025"})
        )


def test_company_and_person_filters(client: Client) -> None:
    companies = client.ids(condition(4006, True), isCompany=True)
    people = client.ids(condition(4007, 1), isCompany=False)
    assert companies == {contact.id for contact in live(client) if contact.is_company}
    assert companies | people == client.ids()
    assert not companies & people


def test_numbers_take_an_array_as_or(client: Client) -> None:
    some = sorted(client.ids())[3:40:5]
    assert client.ids(condition(4231, [*some, 999_999])) == set(some)
    assert client.ids(condition(4231, some[0])) == {some[0]}
    assert client.ids(condition(4231, some, "notequal")) == client.ids() - set(some)
    assert client.ids(condition(4233, some[0] + 1_000_000)) == {some[0]}
    client.switch(list_order="id_desc")
    assert [row["id"] for row in client.contacts(condition(4231, some))] == some[::-1]


def test_text_filters_contain(client: Client) -> None:
    contact = next(c for c in live(client) if len(c.lastname) > 5 and not c.is_company)
    piece = contact.lastname[1:5].upper()
    assert contact.id in client.ids(condition(4015, piece))
    assert contact.id in client.ids(condition(4001, piece))
    assert contact.id not in client.ids(condition(4015, piece, "notequal"))


def test_channel_filters(client: Client) -> None:
    contact = next(
        c
        for c in live(client)
        if c.email and c.phones and " " not in c.email.strip() and "@" in c.email
    )
    digits = "".join(char for char in contact.phones[0][0] if char.isdigit())[-6:]
    assert contact.id in client.ids(condition(4003, digits))
    assert contact.id in client.ids(condition(4005, contact.email[2:8]))
    assert contact.id in client.ids(condition(4026, contact.email.strip().upper()))
    named = next(c for c in live(client) if c.telegram)
    name = named.telegram.strip().rstrip("/").rpartition("/")[2].removeprefix("@")
    for spelling in (name, f"@{name}", f"https://t.me/{name}"):
        assert named.id in client.ids(condition(4226, spelling))


def test_reference_filters(client: Client) -> None:
    rows = live(client)
    assert client.ids(condition(4008, 12)) == {c.id for c in rows if c.group_id == 12}
    assert client.ids(condition(4016, 2)) == {c.id for c in rows if c.is_company}
    assert client.ids(condition(4019, "Female")) == {c.id for c in rows if c.gender == "Female"}
    assert client.ids(condition(1, "user:2")) == {c.id for c in rows if c.added_by == 2}
    assert client.ids(condition(2, "user:3")) == {c.id for c in rows if 3 in c.supervisors}
    assert client.ids(condition(2, "group:3")) == set()


def test_custom_field_filters(client: Client) -> None:
    rows = live(client)

    def having(number: int, value: Any) -> set[int]:
        return {c.id for c in rows if c.custom.get(number) == value}

    assert client.ids(condition(4106, "Да", field=3107)) == having(3107, "Да")
    assert client.ids(condition(4105, True, field=3103)) == having(3103, True)
    assert client.ids(condition(4107, 1, field=3104)) == having(3104, "Россия")
    assert client.ids(condition(4101, "Москва", field=3105)) == having(3105, "Москва")
    contained = {c.id for c in rows if "оск" in str(c.custom.get(3105, ""))}
    assert client.ids(condition(4101, "ОСК", "have", field=3105)) == contained
    large = {c.id for c in rows if c.custom.get(3113, 0) > 50_000}
    assert client.ids(condition(4102, 50_000, "gt", field=3113)) == large
    assert client.ids(condition(4152, 3105)) == {c.id for c in rows if c.custom.get(3105)}
    assert client.ids(condition(4153, 3105)) == {c.id for c in rows if not c.custom.get(3105)}
    dated = condition(4103, {"dateType": "otherDate", "dateValue": "01-01-2024"}, "gt", field=3102)
    limit = dt.date(2024, 1, 1).toordinal()
    assert client.ids(dated) == {c.id for c in rows if c.custom.get(3102, 0) > limit}
    for broken in (condition(4101, "x"), condition(4101, "x", field=3103),
                   condition(4105, True, field=1)):  # fmt: skip
        assert client.post("contact/list", {"filters": [broken]}).status_code == 400


def test_data_tag_filter(client: Client) -> None:
    inner = {"dataTagId": 6, "filter": {"type": 3108, "field": 21}}
    found = client.ids(condition(93, "дозвонились", subfilter=inner))
    wanted = {e.contact_id for e in client.account.tag_entries
              if e.data_tag_id == 6 and e.result == "Дозвонились"}  # fmt: skip
    assert found == {c.id for c in live(client) if c.id in wanted} != set()


def test_saved_filters(client: Client) -> None:
    rows = live(client)
    assert client.ids(filterId=":company") == {c.id for c in rows if c.is_company}
    assert client.ids(filterId="contact") == {c.id for c in rows if not c.is_company}
    segment = {c.id for c in rows if "clients_contacts" in c.segments}
    assert client.ids(filterId="4302") == segment != set()
    number = rows[0].id
    client.act("edit", id=number)
    assert client.ids(filterId="4309") == {number}


def test_task_filters(client: Client) -> None:
    tasks = [task for task in client.account.tasks if not task.is_deleted]

    def found(*filters: dict[str, Any]) -> set[int]:
        rows = client.post("task/list", {"filters": list(filters)}).json()["tasks"]
        return {row["id"] for row in rows}

    day = {"dateType": "otherDate", "dateValue": "01-01-2025"}
    limit = local("02-01-2025 00:00:00", "Europe/Moscow")
    assert found(condition(12, day, "gt")) == {t.id for t in tasks if t.trip.created >= limit}
    assert found(condition(38, day, "gt")) == {t.id for t in tasks if t.updated >= limit}
    assert found(condition(103, day, "gt", field=4101)) == {
        t.id for t in tasks if t.trip.pickup >= limit
    }
    assert found(condition(57, [tasks[0].id, tasks[1].id])) == {tasks[0].id, tasks[1].id}
    assert found(condition(10, 5)) == {t.id for t in tasks if t.status == 5}
    assert found(condition(2, "user:2")) == {t.id for t in tasks if t.assignee == 2}
    reply = client.post("task/list", {"filters": [condition(9999, 1)]})
    assert reply.status_code == 400
    task = tasks[0]
    client.act("clock", now="2031-06-30T12:00:00Z")
    client.act("comment", task_id=task.id, text="позвонить")
    late = {"dateType": "otherDate", "dateValue": "30-06-2031"}
    assert found(condition(79, late)) == found(condition(21, late)) == {task.id}


def test_comment_filter_takes_minutes(client: Client) -> None:
    number = live(client)[0].id
    moment = local("30-06-2031 10:05:20", "Europe/Moscow")
    made = client.act("comment", contact_id=number, text="<p>да</p>", at=moment)["id"]
    value = {"dateType": "otherRange_withTime", "dateFrom": "30-06-2031 10:05"}
    body = {"filters": [condition(3000, {**value, "dateTo": "30-06-2031 10:05"})]}
    assert client.post("comment/list", body).json()["comments"] == [{"id": made}]
