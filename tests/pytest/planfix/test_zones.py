"""Windows in the owner's zone: whole and half hours, changes of the clock, an unknown zone."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from loaders.planfix.zones import (
    FILTER_FORMAT,
    OwnerZone,
    fixed_name,
    measure_offset,
    parse_instant,
    parse_since,
    zone_named,
    zones_that_fit,
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "start", "end", "window"),
    [
        (
            "Europe/Moscow",
            utc(2026, 3, 1, 8, 55, 40),
            utc(2026, 3, 1, 12, 0),
            ("01-03-2026 11:55", "01-03-2026 15:00"),
        ),
        (
            "Asia/Kolkata",
            utc(2026, 3, 1, 20, 0),
            utc(2026, 3, 1, 21, 15),
            ("02-03-2026 01:30", "02-03-2026 02:45"),
        ),
        (
            "Asia/Kathmandu",
            utc(2026, 3, 1, 0, 0),
            utc(2026, 3, 1, 1, 0),
            ("01-03-2026 05:45", "01-03-2026 06:45"),
        ),
        ("UTC", utc(2026, 3, 1), utc(2026, 3, 2), ("01-03-2026 00:00", "02-03-2026 00:00")),
        # spring: 02:00 jumps to 03:00
        (
            "Europe/Berlin",
            utc(2026, 3, 29, 0, 30),
            utc(2026, 3, 29, 1, 30),
            ("29-03-2026 01:30", "29-03-2026 03:30"),
        ),
        # autumn: 02:00 to 03:00 happens twice, so the window steps out of it on both sides
        (
            "Europe/Berlin",
            utc(2026, 10, 25, 0, 30),
            utc(2026, 10, 25, 1, 30),
            ("25-10-2026 01:30", "25-10-2026 03:00"),
        ),
        # half an hour of summer time
        (
            "Australia/Lord_Howe",
            utc(2026, 4, 4, 12, 0),
            utc(2026, 4, 4, 18, 0),
            ("04-04-2026 23:00", "05-04-2026 04:30"),
        ),
    ],
)
def test_a_window_covers_its_interval(
    zone: str, start: datetime, end: datetime, window: tuple[str, str]
) -> None:
    assert OwnerZone((zone,)).window(start, end) == window


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
)
def test_no_minute_falls_between_neighbours(zone: str) -> None:
    """Whatever instant changes: some window of a chain of runs shows its local minute."""
    owner, tz = OwnerZone((zone,)), zone_named(zone)
    for begin in (utc(2026, 3, 28), utc(2026, 10, 24), utc(2026, 4, 4), utc(2026, 11, 1)):
        edges = [begin + timedelta(minutes=37 * step) for step in range(80)]
        windows = [
            [datetime.strptime(text, FILTER_FORMAT) for text in owner.window(start, end)]
            for start, end in itertools.pairwise(edges)
        ]
        moment = begin
        while moment < edges[-1]:
            local = moment.astimezone(tz).replace(tzinfo=None)
            assert any(first <= local <= last for first, last in windows), (zone, moment)
            moment += timedelta(minutes=7)


def test_an_unknown_zone_is_covered_whole() -> None:
    window = OwnerZone().window(utc(2026, 3, 2, 12), utc(2026, 3, 2, 13))
    assert window == ("02-03-2026 00:00", "03-03-2026 03:00")


def test_zones_that_may_differ_are_all_covered() -> None:
    owner = OwnerZone(("Europe/Moscow", "Europe/Athens"))
    assert owner.window(utc(2026, 1, 10, 9), utc(2026, 1, 10, 10)) == (
        "10-01-2026 11:00",
        "10-01-2026 13:00",
    )


@pytest.mark.parametrize(
    "zone",
    ["Europe/Moscow", "Asia/Kolkata", "America/St_Johns", "Asia/Kathmandu", "Pacific/Kiritimati"],
)
def test_the_offset_is_found_with_few_questions(zone: str) -> None:
    moment = utc(2026, 1, 15, 12)
    truth = moment.astimezone(zone_named(zone)).utcoffset()
    assert truth is not None
    asked = []

    def at_least(offset: timedelta) -> bool:
        asked.append(offset)
        return truth >= offset

    assert measure_offset(at_least) == truth
    assert len(asked) <= 8


def test_a_filter_that_matches_nothing_has_no_offset() -> None:
    assert measure_offset(lambda _: False) is None


def test_two_seasons_tell_zones_apart() -> None:
    winter, summer = utc(2026, 1, 15), utc(2026, 7, 15)
    one = zones_that_fit([(winter, timedelta(hours=2))], winter.date())
    both = zones_that_fit(
        [(winter, timedelta(hours=2)), (summer, timedelta(hours=3))], winter.date()
    )
    assert set(both) < set(one)
    berlin = zones_that_fit([(winter, timedelta(hours=1)), (summer, timedelta(hours=2))])
    assert "Europe/Moscow" not in berlin
    odd = timedelta(hours=1, minutes=15)
    assert zones_that_fit([(winter, odd)]) == (fixed_name(odd),)


@pytest.mark.parametrize(
    ("point", "instant"),
    [
        ({"dateTimeUtcSeconds": "2025-06-02T17:05:52+0000"}, utc(2025, 6, 2, 17, 5, 52)),
        ({"datetime": "2025-06-02T17:05Z"}, utc(2025, 6, 2, 17, 5)),
        ({"date": "02-06-2025", "time": "17:05"}, utc(2025, 6, 2, 17, 5)),
        ({"dateTimeUtcSeconds": "", "datetime": "2025-06-02T17:05Z"}, utc(2025, 6, 2, 17, 5)),
        ({}, None),
        (None, None),
        ("2025-06-02", None),
        ({"datetime": "someday"}, None),
    ],
)
def test_instants_are_read_in_every_spelling(point: object, instant: datetime | None) -> None:
    assert parse_instant(point) == instant


def test_since_is_an_amount_or_a_date() -> None:
    now = utc(2026, 3, 15, 12)
    assert parse_since("14d", now) == utc(2026, 3, 1, 12)
    assert parse_since("36h", now) == utc(2026, 3, 14)
    assert parse_since("2026-03-01", now) == utc(2026, 3, 1)
    for wrong in ("yesterday", "14", "d", "2027-01-01"):
        with pytest.raises(ValueError):
            parse_since(wrong, now)
