"""Small questions to the account whose answers the extract depends on.

Each asks about one known contact at a time, so that the answer is a yes or a no whatever the size
of the account.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from loaders.planfix import api
from loaders.planfix.client import PlanfixRefusal
from loaders.planfix.paging import Pager
from loaders.planfix.profile import HONOURED, IGNORED, REFUSED, CapabilityProfile
from loaders.planfix.settings import PlanfixSettings
from loaders.planfix.zones import (
    FILTER_FORMAT,
    LATEST_OFFSET,
    MINUTE,
    OwnerZone,
    floor_minute,
    measure_offset,
    zone_named,
    zones_that_fit,
)

NEVER = ("01-01-1990 00:00", "02-01-1990 00:00")
COMMON_OFFSETS = (timedelta(hours=3), timedelta(0))


@dataclass(frozen=True)
class Sample:
    """A contact whose last change is known.

    Attributes:
        id: contact number.
        kind: person or company.
        updated: its last change.
    """

    id: int
    kind: str
    updated: datetime


def pick_samples(rows: Sequence[tuple[int, str, int]], now: datetime) -> list[Sample]:
    """Returns the newest settled contact and, if there is one, a contact of the other season."""
    settled = [
        Sample(number, kind, datetime.fromtimestamp(updated, UTC))
        for number, kind, updated in rows
        if now.timestamp() - updated > 300
    ]
    settled.sort(key=lambda sample: sample.updated, reverse=True)
    if not settled:
        return []
    first = settled[0]

    def distance(sample: Sample) -> float:
        # half a year away, in whichever year
        days = abs((first.updated - sample.updated).days) % 365
        return abs(182 - days)

    other = min(settled, key=distance)
    return [first, other] if distance(other) < 90 else [first]


class ChangeFilterProbe:
    """Finds out whether filter 38 works and in which zone it reads its dates."""

    def __init__(
        self, label: str, pager: Pager, profile: CapabilityProfile, settings: PlanfixSettings
    ) -> None:
        self.label = label
        self.pager = pager
        self.profile = profile
        self.settings = settings

    def includes(self, sample: Sample, window: tuple[str, str]) -> bool:
        """Asks whether the contact's last change lies in this window of local minutes."""
        call = api.contact_list(
            is_company=sample.kind == "company",
            fields="id,dateOfLastUpdate",
            filters=[
                api.date_filter(api.FILTER_CHANGED, window),
                api.number_filter(sample.id),
            ],
            kind_filter=False,
        )
        rows = self.pager.ask(f"changes:{self.label}", call)
        return sample.id in {api.reference_id(row) for row in rows}

    def _around(self, sample: Sample, offset: timedelta) -> tuple[str, str]:
        local = floor_minute(sample.updated).replace(tzinfo=None) + offset
        return (
            (local - MINUTE).strftime(FILTER_FORMAT),
            (local + MINUTE).strftime(FILTER_FORMAT),
        )

    def confirm(self, sample: Sample) -> bool:
        """Asks once whether what is known about filter and zone still holds."""
        window = self.profile.zone.window(sample.updated - MINUTE, sample.updated + MINUTE)
        try:
            return self.includes(sample, window)
        except PlanfixRefusal as error:
            if error.kind != "input":
                raise
            return False

    def learn(self, samples: Sequence[Sample], users_zones: Sequence[str] = ()) -> None:
        """Fills `change_filter` and `zones` of the profile."""
        if not samples:
            return
        try:
            if self.includes(samples[0], NEVER):
                self.profile.change_filter = IGNORED
                return
        except PlanfixRefusal as error:
            if error.kind != "input":
                raise
            self.profile.change_filter = REFUSED
            return
        measured: list[tuple[datetime, timedelta]] = []
        for sample in samples:
            offset = self._offset(sample, users_zones, measured)
            if offset is not None:
                measured.append((sample.updated, offset))
        if not measured:
            # it matches nothing: as useless as ignored
            self.profile.change_filter = IGNORED
            return
        self.profile.change_filter = HONOURED
        self.profile.zones = self._zones(measured, users_zones)

    def _offset(
        self,
        sample: Sample,
        users_zones: Sequence[str],
        measured: list[tuple[datetime, timedelta]],
    ) -> timedelta | None:
        names = [self.settings.timezone, *self.profile.zones, *users_zones]
        guesses = [_offset_at(name, sample.updated) for name in names if name]
        if measured:
            # where the clocks do not change, or change by an hour
            last = measured[-1][1]
            guesses += [last, last - timedelta(hours=1), last + timedelta(hours=1)]
        else:
            guesses += COMMON_OFFSETS

        def at_least(offset: timedelta) -> bool:
            local = floor_minute(sample.updated).replace(tzinfo=None)
            return self.includes(
                sample,
                (
                    (local + offset - MINUTE).strftime(FILTER_FORMAT),
                    (local + LATEST_OFFSET + timedelta(hours=1)).strftime(FILTER_FORMAT),
                ),
            )

        return measure_offset(
            at_least,
            list(dict.fromkeys(guesses))[:4],
            lambda offset: self.includes(sample, self._around(sample, offset)),
        )

    def _zones(
        self, measured: list[tuple[datetime, timedelta]], users_zones: Sequence[str]
    ) -> list[str]:
        def fits(name: str) -> bool:
            return all(_offset_at(name, instant) == offset for instant, offset in measured)

        if self.settings.timezone:
            if fits(self.settings.timezone):
                return [self.settings.timezone]
            self.profile.risks.append(
                f"PLANFIX_TIMEZONE is {self.settings.timezone}, but the filters read their dates "
                f"at UTC{measured[0][1].total_seconds() / 3600:+g}: the measured zone is used."
            )
        return sorted({*zones_that_fit(measured), *(name for name in users_zones if fits(name))})


def _offset_at(name: str, instant: datetime) -> timedelta:
    try:
        zone = zone_named(name)
    except ValueError:
        return timedelta(0)
    return instant.astimezone(zone).utcoffset() or timedelta(0)


def known_zone(settings: PlanfixSettings, profile: CapabilityProfile) -> OwnerZone:
    """Returns the measured zone, else the one set, else the unknown one."""
    if profile.zones:
        return profile.zone
    if settings.timezone:
        return OwnerZone((ZoneInfo(settings.timezone).key,))
    return OwnerZone()
