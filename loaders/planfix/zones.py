"""Instants of replies are UTC, dates in filters are local to the token's owner: the bridge.

Until the owner's zone is known for sure it is a set of zones that fit what was measured; a window
covers the interval in every one of them. A window too wide costs a few rows, one too narrow
loses changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

FILTER_FORMAT = "%d-%m-%Y %H:%M"
MINUTE = timedelta(minutes=1)
EARLIEST_OFFSET = timedelta(hours=-12)
LATEST_OFFSET = timedelta(hours=14)
OFFSET_STEP = timedelta(minutes=15)

_AMOUNT = re.compile(r"^\s*(\d+)\s*([mhdw])\s*$", re.IGNORECASE)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_instant(value: Any) -> datetime | None:
    """Reads a TimePoint: `dateTimeUtcSeconds`, else `datetime`; `date` and `time` say less."""
    if not isinstance(value, dict):
        return None
    for key in ("dateTimeUtcSeconds", "datetime"):
        text = value.get(key)
        if isinstance(text, str) and text:
            found = parse_iso(text)
            if found:
                return found
    day, clock = value.get("date"), value.get("time") or "00:00"
    if isinstance(day, str) and isinstance(clock, str):
        try:
            return datetime.strptime(f"{day} {clock}", FILTER_FORMAT).replace(tzinfo=UTC)
        except ValueError:
            return None
    return None


def epoch(value: Any) -> int | None:
    """Returns a TimePoint as epoch seconds."""
    text = value.get("dateTimeUtcSeconds") if isinstance(value, dict) else None
    if isinstance(text, str):
        # one of millions, no two alike: nothing to be looked up
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            found = None
        if found is not None and found.tzinfo is not None:
            return int(found.timestamp())
    instant = parse_instant(value)
    return int(instant.timestamp()) if instant else None


@lru_cache(maxsize=4096)
def parse_iso(text: str) -> datetime | None:
    """Reads both ISO spellings of Planfix; an instant without offset is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def parse_since(text: str, now: datetime) -> datetime:
    """Reads `14d`, `12h`, `30m`, `2w`, a day or an instant.

    Raises:
        ValueError: for anything else, or a time to come.
    """
    amount = _AMOUNT.match(text)
    if amount:
        found = now - timedelta(**{_UNITS[amount.group(2).lower()]: int(amount.group(1))})
    else:
        parsed = datetime.fromisoformat(text.strip())
        found = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    if found > now:
        raise ValueError("it lies in the future")
    return found


def floor_minute(instant: datetime) -> datetime:
    """Cuts the seconds off."""
    return instant.replace(second=0, microsecond=0)


@dataclass(frozen=True)
class OwnerZone:
    """The zones that the token's owner may be in.

    Attributes:
        names: IANA names or fixed offsets such as `+05:30`; empty when nothing is known.
    """

    names: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """Tells whether anything was measured or set."""
        return bool(self.names)

    def _zones(self) -> tuple[tzinfo, ...]:
        if not self.names:
            return (timezone(EARLIEST_OFFSET), timezone(LATEST_OFFSET))
        return tuple(zone_named(name) for name in self.names)

    def window(self, start: datetime, end: datetime) -> tuple[str, str]:
        """Returns `dateFrom` and `dateTo` that cover [start, end] whole minutes."""
        first = min(_edge(floor_minute(start), zone, -1) for zone in self._zones())
        last = max(_edge(floor_minute(end), zone, +1) for zone in self._zones())
        return first.strftime(FILTER_FORMAT), last.strftime(FILTER_FORMAT)

    def covered(self, window: tuple[str, str]) -> tuple[datetime, datetime]:
        """Returns the widest interval of instants that a window may stand for."""
        first = datetime.strptime(window[0], FILTER_FORMAT)
        last = datetime.strptime(window[1], FILTER_FORMAT)
        starts, ends = [], []
        for zone in self._zones():
            for fold in (0, 1):
                starts.append(first.replace(tzinfo=zone, fold=fold).astimezone(UTC))
                ends.append(last.replace(tzinfo=zone, fold=fold).astimezone(UTC))
        return min(starts), max(ends) + timedelta(seconds=59)

    def slack(self, instant: datetime) -> timedelta:
        """Returns how far outside of a window a row may lie because of what is not known."""
        offsets = [_offset(zone, instant) for zone in self._zones()]
        # an hour more where the clocks change
        return max(offsets) - min(offsets) + timedelta(hours=1, minutes=2)


def _edge(instant: datetime, zone: tzinfo, direction: int) -> datetime:
    """Returns the local wall time, moved outwards while it names two instants."""
    moved = instant
    for _ in range(8):
        local = moved.astimezone(zone).replace(tzinfo=None)
        if not _is_ambiguous(local, zone):
            return local
        moved += direction * timedelta(minutes=30)
    return moved.astimezone(zone).replace(tzinfo=None)


def _is_ambiguous(local: datetime, zone: tzinfo) -> bool:
    first = local.replace(tzinfo=zone, fold=0).utcoffset()
    second = local.replace(tzinfo=zone, fold=1).utcoffset()
    return first != second


def _offset(zone: tzinfo, instant: datetime) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


@lru_cache(maxsize=1024)
def zone_named(name: str) -> tzinfo:
    """Returns an IANA zone or a fixed offset written as `+05:30`.

    Raises:
        ValueError: when it is neither.
    """
    fixed = re.match(r"^([+-])(\d{2}):(\d{2})$", name)
    if fixed:
        size = timedelta(hours=int(fixed.group(2)), minutes=int(fixed.group(3)))
        return timezone(-size if fixed.group(1) == "-" else size)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"no such time zone: {name}") from None


def fixed_name(offset: timedelta) -> str:
    """Writes an offset the way `zone_named` reads it."""
    minutes = int(offset.total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def zones_that_fit(
    measured: Iterable[tuple[datetime, timedelta]], around: date | None = None
) -> tuple[str, ...]:
    """Returns one zone of each kind that had the measured offsets at the measured instants.

    Zones that agree from a year back to two years ahead count as one kind.
    """
    points = list(measured)
    if not points:
        return ()
    today = around or datetime.now(UTC).date()
    probes = [
        datetime(today.year + year, month, day, tzinfo=UTC)
        for year in (-1, 0, 1, 2)
        for month in range(1, 13)
        for day in (1, 15)
    ]
    kinds: dict[tuple[timedelta, ...], str] = {}
    for name in sorted(available_timezones()):
        if name.startswith(("Etc/", "posix", "right", "SystemV")) and name != "Etc/UTC":
            continue
        zone = zone_named(name)
        if all(_offset(zone, instant) == offset for instant, offset in points):
            kinds.setdefault(tuple(_offset(zone, probe) for probe in probes), name)
    if not kinds:
        return (fixed_name(points[-1][1]),)
    return tuple(sorted(kinds.values()))


def measure_offset(
    is_at_least: Callable[[timedelta], bool],
    first_guesses: Iterable[timedelta] = (),
    is_exactly: Callable[[timedelta], bool] | None = None,
) -> timedelta | None:
    """Finds the owner's offset with few questions.

    Args:
        is_at_least: asks whether the offset is this or more (one request).
        first_guesses: likely offsets, asked exactly before bisecting.
        is_exactly: asks whether the offset is this one (one request).

    Returns:
        The offset, or None when the answers contradict each other.
    """
    if is_exactly:
        for guess in dict.fromkeys(first_guesses):
            if is_exactly(guess):
                return guess
    low, high = 0, int((LATEST_OFFSET - EARLIEST_OFFSET) / OFFSET_STEP)
    if not is_at_least(EARLIEST_OFFSET):
        return None
    while low < high:
        middle = (low + high + 1) // 2
        if is_at_least(EARLIEST_OFFSET + middle * OFFSET_STEP):
            low = middle
        else:
            high = middle - 1
    return EARLIEST_OFFSET + low * OFFSET_STEP
