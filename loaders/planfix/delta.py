"""What changed in a window: filter 38, or the next rung of the ladder when it does not work.

1. filter 38 with a closed window of local minutes, checked against the rows it returns and
   against one known contact;
2. a saved filter of the operator (`PLANFIX_CHANGED_FILTER_ID`), when what it returns shows that it
   reaches back to the start of the window;
3. a sweep of `id, dateOfLastUpdate`, then the changed ones by number, a hundred at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from loaders.planfix import api
from loaders.planfix.client import PlanfixRefusal, parse_json
from loaders.planfix.paging import Row, Unfiltered, rows_of
from loaders.planfix.probes import ChangeFilterProbe, Sample, known_zone, pick_samples
from loaders.planfix.profile import HONOURED, IGNORED, REFUSED
from loaders.planfix.zones import MINUTE, floor_minute, parse_instant

if TYPE_CHECKING:
    from loaders.planfix.extract import Extract


MOST_SAMPLES = 1_000


class Delta:
    """Fetches the contacts changed since `start`."""

    def __init__(self, extract: Extract, name: str, start: datetime) -> None:
        """Opens the window, or reopens the one an earlier invocation noted."""
        self.extract = extract
        self.name = name
        self.spool = extract.spool
        self.profile = extract.profile
        noted = self.spool.get(f"window:{name}")
        if noted is None:
            now = floor_minute(extract.client.now())
            moments = [start, max(start, now - MINUTE), now + MINUTE]
            noted = [moment.isoformat() for moment in moments]
            self.spool.put(f"window:{name}", noted)
        self.start, self.end, self.tail = (datetime.fromisoformat(each) for each in noted)
        self.probe = ChangeFilterProbe(name, extract.pager, extract.profile, extract.settings)

    def fetch(self) -> None:
        """Fetches by the first route that works and notes the new watermark."""
        self._settle_filter()
        route = "sweep"
        if self.profile.change_filter == HONOURED and self._by_filter():
            route = "filter 38"
        elif self.extract.settings.changed_filter_id and self._by_saved_filter():
            route = "saved filter"
        else:
            self._by_sweep()
        self.spool.put("route", route)
        if route == "sweep":
            self.extract.context.lines.append(
                f"changes were found by a sweep of ids: filter 38 is {self.profile.change_filter}"
            )
        self.spool.put("window_to", self.end.isoformat())

    def _samples(self) -> list[Sample]:
        every = (
            "select id, kind, max(updated) as updated from ("
            "select id, kind, updated from item where stage = 'contacts' union all "
            "select id, kind, updated from known) where updated is not null and kind is not null "
            "group by id"
        )
        rows = self.spool.query(f"{every} order by updated desc limit {MOST_SAMPLES}")
        if len(rows) == MOST_SAMPLES:
            # and some of all seasons
            rows += self.spool.query(
                f"select * from ({every}) where id % 97 = 0 limit {MOST_SAMPLES}"
            )
        return pick_samples(
            [(int(i), str(k), int(u)) for i, k, u in rows], self.extract.client.now()
        )

    def _users_zones(self) -> list[str]:
        zones = [row.get("timezone") for row in self.extract._rows("users", ("users",))]
        return list(dict.fromkeys(zone for zone in zones if isinstance(zone, str) and zone))

    def _settle_filter(self) -> None:
        """Makes sure that filter 38 does today what the profile says."""
        if self.spool.state("step", f"filter:{self.name}") == "done":
            return
        samples = self._samples()
        if self.profile.change_filter == HONOURED and self.profile.zones and samples:
            if not self.probe.confirm(samples[0]):
                # the owner moved to another zone, or the filter stopped working
                self.probe.learn(samples, self._users_zones())
        elif samples:
            # what was ignored or refused once may have been a passing mood
            self.probe.learn(samples, self._users_zones())
        self.spool.put("change_filter", [self.profile.change_filter, self.profile.zones])
        self.spool.mark("step", f"filter:{self.name}")

    def _check(self) -> Callable[[Sequence[Row]], None]:
        zone = known_zone(self.extract.settings, self.profile)
        least = self.start - zone.slack(self.start)

        def check(rows: Sequence[Row]) -> None:
            for row in rows:
                updated = parse_instant(row.get("dateOfLastUpdate"))
                if updated and updated < least:
                    raise Unfiltered

        return check

    def _walk(
        self,
        kind: str,
        label: str,
        filters: list[Row],
        filter_id: str = "",
        check: Callable[[Sequence[Row]], None] | None = None,
    ) -> None:
        from loaders.planfix.extract import PASSES, describe_contact

        extract = self.extract
        walked = extract.pager.walk(
            "contacts",
            f"{PASSES[kind]}:{self.name}:{label}",
            extract.contact_call(kind, filters, filter_id=filter_id),
            describe_contact(kind),
            check=check,
            verify="end",
        )
        extract.context.add_floor(max(1, math.ceil(walked.listed / extract.pager.page_size)))

    def _by_filter(self) -> bool:
        from loaders.planfix.extract import KINDS

        zone = known_zone(self.extract.settings, self.profile)
        # the closed window sets the watermark; a look at the last minutes, which may still be
        # changing and come again with the next run, brings the tables up to this moment
        windows = [zone.window(self.start, self.end), zone.window(self.end, self.tail)]
        try:
            for window in windows:
                for kind in KINDS:
                    changed = [api.date_filter(api.FILTER_CHANGED, window)]
                    self._walk(kind, "..".join(window), changed, check=self._check())
        except Unfiltered:
            self.profile.change_filter = IGNORED
            return False
        except PlanfixRefusal as error:
            if error.kind != "input":
                raise
            self.profile.change_filter = REFUSED
            return False
        return True

    def _by_saved_filter(self) -> bool:
        from loaders.planfix.extract import KINDS, PASSES

        name = self.extract.settings.changed_filter_id
        try:
            for kind in KINDS:
                self._walk(kind, name, [], name)
        except PlanfixRefusal as error:
            if error.kind != "input":
                raise
            self.extract.context.lines.append("PLANFIX_CHANGED_FILTER_ID is refused: not used")
            return False
        if not self._reaches_back([f"{PASSES[kind]}:{self.name}:{name}" for kind in KINDS]):
            self.extract.context.lines.append(
                "PLANFIX_CHANGED_FILTER_ID may not reach back to "
                f"{self.start:%Y-%m-%d %H:%M} UTC: not relied on"
            )
            return False
        return True

    def _reaches_back(self, units: Sequence[str]) -> bool:
        """Tells whether a saved filter returned a row from before the window."""
        for page in self.spool.pages("contacts"):
            if page.unit not in units:
                continue
            for row in rows_of(parse_json(page.body), ("contacts",)):
                updated = parse_instant(row.get("dateOfLastUpdate"))
                if updated is not None and updated <= self.start:
                    return True
        return False

    def _by_sweep(self) -> None:
        from loaders.planfix.extract import KINDS, PASSES

        extract = self.extract
        stage = f"changes:{self.name}"
        complete = True
        started = extract.client.now()
        for kind in KINDS:
            walked = extract._walk_contacts(stage, PASSES[kind], kind, api.joined(api.SWEEP_FIELDS))
            complete = complete and not walked.unstable
            extract.context.add_floor(max(1, math.ceil(walked.listed / extract.pager.page_size)))
        rows = self.spool.query(
            "select s.id, s.kind from item as s "
            "left join known as k on k.id = s.id "
            "left join item as c on c.stage = 'contacts' and c.id = s.id "
            "where s.stage = ? and (coalesce(c.updated, k.updated) is null "
            "or s.updated is null or s.updated != coalesce(c.updated, k.updated) "
            "or (s.updated >= ? and c.id is null)) order by s.id",
            [stage, int(self.start.timestamp()) - 60],
        )
        extract.fetch_numbers(f"{self.name}", rows)
        if complete and self.spool.get("sweep") is None:
            left_out = extract._deleted_ids(stage)
            if not extract._is_suspicious(stage):
                extract._note_sweep(stage, started, True, left_out)
                self.spool.mark("step", "sweep")
