"""Complex filters: date values in the token owner's zone, operators, AND of all.

A date value covers a half-open interval of local wall time. Instants (creation, last change) are
compared after turning its ends into UTC with the owner's zone, calendar dates (birth date, custom
"Date") are compared as they are.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

T = TypeVar("T")
Predicate = Callable[[T], bool]

_DAY = dt.timedelta(days=1)
_MINUTE = dt.timedelta(minutes=1)
_FOREVER = (dt.datetime(1900, 1, 1), dt.datetime(9000, 1, 1))


class FilterError(ValueError):
    """A filter the API refuses.

    Attributes:
        code: error code of the reply, 40 (missing) or 41 (not allowed).
    """

    def __init__(self, message: str, code: int = 41) -> None:
        super().__init__(message)
        self.code = code


class IgnoredFilterError(Exception):
    """A filter the API silently leaves out."""


def _parse(text: Any, *, with_time: bool) -> dt.datetime:
    pattern = "%d-%m-%Y %H:%M" if with_time else "%d-%m-%Y"
    if not isinstance(text, str):
        raise FilterError("date value missing", 40)
    try:
        return dt.datetime.strptime(text.strip(), pattern)
    except ValueError as error:
        if with_time:
            return _parse(text, with_time=False)
        raise FilterError("date value not allowed") from error


def interval(
    value: Any,
    now_local: dt.datetime,
    *,
    range_end: str = "inclusive",
    xml_date_types: str = "ignored",
) -> tuple[dt.datetime, dt.datetime]:
    """Turns a date value object into a half-open interval of local wall time.

    Args:
        value: the object, e.g. `{"dateType": "otherDate", "dateValue": "30-06-2025"}`.
        now_local: the present in the owner's zone, naive.
        range_end: how `otherRange_withTime` treats its last minute.
        xml_date_types: whether the XML API's spellings are understood.

    Raises:
        FilterError: unknown type or malformed date.
        IgnoredFilterError: a spelling that is silently ignored.
    """
    if not isinstance(value, dict):
        raise FilterError("date value not allowed")
    kind = value.get("dateType")
    renamed = {
        "anotherperiod": "otherRange",
        "anotherdate": "otherDate",
        "anotherdate_withtime": "otherDate_withTime",
    }
    if kind in renamed:
        if xml_date_types == "ignored":
            raise IgnoredFilterError
        kind = renamed[kind]
    today = now_local.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = today - _DAY * today.weekday()
    first = today.replace(day=1)
    next_month = (first + 32 * _DAY).replace(day=1)
    fixed = {
        "today": (today, today + _DAY),
        "yesterday": (today - _DAY, today),
        "tomorrow": (today + _DAY, today + 2 * _DAY),
        "thisWeek": (monday, monday + 7 * _DAY),
        "lastWeek": (monday - 7 * _DAY, monday),
        "nextWeek": (monday + 7 * _DAY, monday + 14 * _DAY),
        "thisMonth": (first, next_month),
        "lastMonth": ((first - _DAY).replace(day=1), first),
        "nextMonth": (next_month, (next_month + 32 * _DAY).replace(day=1)),
    }
    if kind in fixed:
        return fixed[kind]
    if kind in {"last", "next", "in"}:
        try:
            days = int(str(value.get("dateValue")))
        except (TypeError, ValueError) as error:
            raise FilterError("dateValue not allowed") from error
        if kind == "last":
            return today - days * _DAY, today + _DAY
        if kind == "next":
            return today, today + (days + 1) * _DAY
        return today + days * _DAY, today + (days + 1) * _DAY
    if kind == "otherDate":
        day = _parse(value.get("dateValue") or value.get("dateFrom"), with_time=False)
        return day, day + _DAY
    if kind == "otherDate_withTime":
        start = _parse(value.get("dateFrom") or value.get("dateValue"), with_time=True)
        return start, start + _MINUTE
    if kind == "otherRange":
        start = _parse(value.get("dateFrom"), with_time=False)
        return start, _parse(value.get("dateTo"), with_time=False) + _DAY
    if kind == "otherRange_withTime":
        start = _parse(value.get("dateFrom"), with_time=True)
        end = _parse(value.get("dateTo"), with_time=True)
        extra = {
            "inclusive": _MINUTE,
            "instant": dt.timedelta(seconds=1),
            "exclusive": dt.timedelta(),
        }
        return start, end + extra[range_end]
    raise FilterError("dateType not allowed")


def to_epoch(local: dt.datetime, zone: ZoneInfo) -> int:
    """Returns the epoch second of a wall time; the earlier one where a clock change doubles it."""
    return int(local.replace(tzinfo=zone).timestamp())


def normalise_operator(operator: Any, allowed: Iterable[str]) -> str:
    """Returns the operator, `equals` taken for `equal`.

    Raises:
        FilterError: the filter does not know it.
    """
    name = {"equals": "equal", "notEqual": "notequal", None: "equal"}.get(operator, operator)
    if name not in allowed:
        raise FilterError("operator not allowed")
    return str(name)


DATE_OPERATORS = ("equal", "notequal", "gt", "lt", "gtAndEqual", "ltAndEqual")


def compare(operator: str, low: Any, high: Any) -> Callable[[Any], bool]:
    """Returns the test of a value against the half-open interval [low, high)."""
    if operator == "equal":
        return lambda x: bool(low <= x < high)
    if operator == "notequal":
        return lambda x: not low <= x < high
    if operator == "gt":
        return lambda x: bool(x >= high)
    if operator == "lt":
        return lambda x: bool(x < low)
    if operator == "gtAndEqual":
        return lambda x: bool(x >= low)
    return lambda x: bool(x < high)


def contains(operator: str, value: Any) -> Callable[[str], bool]:
    """Returns the test of the built-in text filters, whose `equal` means "contains"."""
    if not isinstance(value, str | int | float):
        raise FilterError("value not allowed")
    needle = str(value).lower()
    if operator in {"notequal", "nothave"}:
        return lambda text: needle not in text.lower()
    return lambda text: needle in text.lower()


def exact(operator: str, value: Any) -> Callable[[Any], bool]:
    """Returns the test for equality; an array value means any of them."""
    wanted = set(value) if isinstance(value, list) else {value}
    if operator == "notequal":
        return lambda found: found not in wanted
    return lambda found: found in wanted


def truth(value: Any) -> bool:
    """Reads the value of a yes/no filter: true, 1 and their texts."""
    return value in (True, 1, "1", "true", "True")


def numbers(value: Any) -> list[int]:
    """Reads an id, a prefixed id, or an array of either.

    Raises:
        FilterError: it is neither.
    """
    values = value if isinstance(value, list) else [value]
    found = []
    for item in values:
        match = re.fullmatch(r"(?:[a-z]+:)?(\d+)", str(item).strip())
        if match is None or isinstance(item, bool):
            raise FilterError("value not allowed")
        found.append(int(match.group(1)))
    return found


def person(value: Any) -> tuple[str, int]:
    """Reads a reference to a person, `user:1`, `contact:5`, `group:3` or a bare number.

    Raises:
        FilterError: it is none.
    """
    match = re.fullmatch(r"(?:(user|contact|group):)?(\d+)", str(value).strip())
    if match is None or isinstance(value, bool):
        raise FilterError("value not allowed")
    return match.group(1) or "", int(match.group(2))
