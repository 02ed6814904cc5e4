"""Asks a live account the open questions of its API, in a few dozen read-only requests.

The answers become the capability profile that the extract obeys; what could surprise the operator
is printed as a risk, and what the full and the delta extract will cost as requests, hours and
share of the day.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from loaders import pipelines
from loaders.planfix import api, source, tables
from loaders.planfix.client import DOCUMENTED_RATE, PlanfixRefusal
from loaders.planfix.notes import rotation
from loaders.planfix.paging import Row, count_by_bisection
from loaders.planfix.probes import ChangeFilterProbe, known_zone, pick_samples
from loaders.planfix.profile import (
    GLOBAL,
    HIDDEN,
    HONOURED,
    IGNORED,
    PER_CONTACT,
    REFUSED,
    SHOWN,
    UNKNOWN,
)
from loaders.planfix.raw import SCHEMA
from loaders.planfix.zones import MINUTE, floor_minute, parse_instant

if TYPE_CHECKING:
    from loaders.planfix.session import Session

PLANS = (20_000, 50_000, 100_000)
CARDS_TO_ASK = 8
BURST_PATIENCE = 1.0
LOOPBACK_CONCURRENCY = 8
CAREFUL_CONCURRENCY = 3


@dataclass
class Cost:
    """What an extract costs.

    Attributes:
        name: full or delta.
        parts: requests by object.
    """

    name: str
    parts: dict[str, int]

    @property
    def requests(self) -> int:
        """Sum of the parts."""
        return sum(self.parts.values())

    def line(self, rate: float, quota: int) -> str:
        """Returns the printed form."""
        hours = self.requests / rate / 3600 if rate > 0 else 0.0
        time_text = f"{hours:.1f} h" if hours >= 0.1 else f"{hours * 60:.0f} min"
        if rate <= 0:
            time_text = "no pace"
        share = f", {self.requests / quota:.1%} of {quota:,} a day" if quota else ""
        parts = ", ".join(f"{name} {count:,}" for name, count in self.parts.items() if count)
        return f"{self.name}: {self.requests:,} requests ({time_text}{share}): {parts}"


def _pages(count: int) -> int:
    return max(1, math.ceil(count / api.PAGE_SIZE))


def _rows(payload: Any) -> list[Row]:
    return [row for row in payload if isinstance(row, dict)]


class Preflight:
    """The questions and their report."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.settings = session.settings
        self.client = session.client
        self.pager = session.pager
        self.profile = session.profile
        self.profile.risks = []
        self.profile.facts = {}
        self.profile.zones = []
        self.profile.change_filter = UNKNOWN
        self.profile.comment_route = UNKNOWN
        self.lines: list[str] = []
        self.rows: dict[str, list[Row]] = {}
        self.counts: dict[str, int] = {}
        self.users_zones: list[str] = []
        self.missing_scopes: list[str] = []
        self.fields: list[int] = []

    # helpers --------------------------------------------------------------------------------

    def _say(self, topic: str, text: str) -> None:
        self.lines.append(f"  {topic:<18} {text}")

    def _risk(self, text: str) -> None:
        self.profile.risks.append(text)

    def _try(self, name: str, work: Callable[[], Any]) -> Any:
        """Asks; a missing right or call becomes a finding, anything worse ends the preflight."""
        try:
            return work()
        except PlanfixRefusal as error:
            if error.kind in {"token", "account"}:
                raise
            if error.kind in {"scope", "rights"}:
                self.missing_scopes.append(name)
            self._say(name, f"not available ({error.kind}, HTTP {error.status})")
            return None

    def _page(
        self, kind: str, offset: int = 0, size: int = api.PAGE_SIZE, **body: Any
    ) -> list[Row]:
        call = api.contact_list(
            is_company=kind == "company",
            fields=api.joined([*api.CONTACT_FIELDS, *self.fields]),
            kind_filter=self.profile.kind_filter,
        )
        call.body.update(body)
        return [
            row for row in self.pager.fetch(call, offset, size).payload if isinstance(row, dict)
        ]

    def _contact_count(self, kind: str, guess: int = 0) -> int:
        call = api.contact_list(
            is_company=kind == "company", fields="id", kind_filter=self.profile.kind_filter
        )
        return count_by_bisection(
            lambda offset: offset < 0 or bool(self.pager.fetch(call, offset, 1).payload), guess
        )

    # the questions --------------------------------------------------------------------------

    def run(self) -> str:
        """Asks everything, stores the profile, returns the report."""
        started = time.monotonic()
        self._reference()
        self._contacts()
        self._paging()
        self._kinds()
        self._change_filter()
        self._deleted()
        self._comments()
        self._burst()
        self._counts()
        costs = self._costs()
        self.profile.checked_at = datetime.now(UTC).isoformat(timespec="seconds")
        self._store()
        return self._report(costs, time.monotonic() - started)

    def _reference(self) -> None:
        remaining = self.client.meter.remaining
        limit = "not told" if remaining is None else f"{remaining:,} left today"
        skew = self.client.clock_skew
        self._say("reached", f"{self.settings.account}; requests: {limit}")
        if abs(skew) > timedelta(minutes=2):
            self._risk(
                f"this machine's clock and Planfix's differ by {abs(skew).total_seconds():.0f} s: "
                "Planfix's is used."
            )
        if remaining is not None and remaining >= PLANS[0] // 2:
            self.profile.daily_quota = next((p for p in PLANS if p >= remaining), PLANS[-1])
        for kind in ("contact", "task"):
            names = {"fields": api.joined(api.CUSTOM_FIELD_FIELDS)}
            path = f"customfield/{kind}"
            reply = self._try(
                f"{kind} fields", partial(self.client.get, path, "customfields", names)
            )
            found = map(api.reference_id, reply.payload if reply else [])
            ids = [number for number in found if number is not None]
            self.profile.facts[f"{kind}_fields"] = len(ids)
            if kind == "contact":
                self.fields = ids
        self._say(
            "custom fields",
            f"{self.profile.facts['contact_fields']} of contacts, "
            f"{self.profile.facts['task_fields']} of tasks",
        )
        users = self._try("employees", lambda: self._list("user/list", ("users",), api.USER_FIELDS))
        for user in users or []:
            zone = user.get("timezone")
            if isinstance(zone, str) and zone and zone not in self.users_zones:
                self.users_zones.append(zone)
        robots = sum(1 for user in users or [] if user.get("role") == "Robot")
        if users is not None:
            self._say("employees", f"{len(users)}{'+' if len(users) >= 100 else ''}")
            if not robots:
                self._risk(
                    "no employee is a robot: a token sees only what its owner may see. If the "
                    "owner is not an administrator, records may be missing without any error."
                )
        self._try("contact groups", lambda: self.client.get("contact/groups", "groups"))
        for name, path, keys in (
            ("data tags", "datatag/list", ("dataTags",)),
            ("directories", "directory/list", ("directories", "directory")),
            ("tasks", "task/list", ("tasks",)),
        ):
            self.rows[name] = self._try(name, partial(self._list, path, keys, ("id", "name"))) or []

    def _list(self, path: str, keys: tuple[str, ...], fields: Sequence[str]) -> list[Row]:
        body = {"fields": api.joined(fields)}
        return _rows(self.pager.fetch(api.ListCall(path, keys, body), 0).payload)

    def _contacts(self) -> None:
        for kind in ("person", "company"):
            try:
                self.rows[kind] = self._page(kind)
            except PlanfixRefusal as error:
                if error.kind != "input":
                    raise
                self.profile.kind_filter = False
                self.rows[kind] = self._page(kind)
        rows = [*self.rows["person"], *self.rows["company"]]
        names = {name for row in rows for name in row}
        self.profile.details_in_list = [n for n in api.CONTACT_DETAILS if n in names]
        lost = [name for name in api.CONTACT_PLAIN if name not in names]
        if rows and lost:
            self._risk(f"the contact list does not return: {', '.join(lost)}.")
        vital = sorted(api.CONTACT_VITAL & set(lost))
        if rows and vital:
            self._risk(f"names the migration cannot do without are missing: {', '.join(vital)}.")
        self._say("contact names", f"{len(names)} returned by the list")
        details = [n for n in api.CONTACT_DETAILS if n not in self.profile.details_in_list]
        if details:
            self._say("only by GET", f"{', '.join(details)} (PLANFIX_CONTACT_DETAILS reads them)")
        seconds = any("dateTimeUtcSeconds" in (row.get("dateOfLastUpdate") or {}) for row in rows)
        self.profile.facts["seconds"] = seconds
        if rows and not seconds:
            self._risk("times have no seconds (an older API): changes within a minute look alike.")
        own = [c.get("id") for row in self.rows["company"] for c in row.get("contacts") or []]
        if own:
            form = "prefixed" if isinstance(own[0], str) else "numbers"
            self._say("people of a company", f"ids are {form}")
        carried = {
            api.reference_id(entry.get("field"))
            for row in rows
            for entry in row.get("customFieldData") or []
        }
        self.profile.facts["custom_fields_seen"] = len(carried - {None})
        if self.fields and rows and not carried:
            self._risk("no custom field came back: the token's owner may not see them.")

    def _paging(self) -> None:
        kind = max(("person", "company"), key=lambda k: len(self.rows[k]))
        first = self.rows[kind]
        ids = [api.reference_id(row) or 0 for row in first]
        self.profile.page_cap = len(first) if len(first) >= api.PAGE_SIZE else 0
        order = "unknown"
        if len(ids) >= 2:
            second: list[int] = []
            if len(first) >= api.PAGE_SIZE:
                second = [api.reference_id(r) or 0 for r in self._page(kind, len(first) - 1)]
                if second and second[0] != ids[-1]:
                    self._risk(
                        "the second page does not begin with the last row of the first: the list "
                        "moves or has no order; completeness rests on counts and sweeps."
                    )
            both = ids + second[1:]
            order = (
                "ascending id"
                if both == sorted(both)
                else "descending id"
                if both == sorted(both, reverse=True)
                else "other"
            )
        self.profile.list_order = order
        try:
            over = len(self._page(kind, 0, api.PAGE_SIZE + 1))
            self.profile.facts["page_size_over"] = over
            over_text = f"101 asked, {over} returned"
        except PlanfixRefusal:
            self.profile.facts["page_size_over"] = "refused"
            over_text = "101 refused"
        beyond = len(self._page(kind, 10_000_000, 1))
        self._say("list", f"order {order}; page size {over_text}; beyond the end {beyond} rows")
        if beyond:
            self._risk("an offset beyond the end returns rows: the end of a list is uncertain.")

    def _kinds(self) -> None:
        people = [api.reference_id(row) for row in self.rows["person"][:2]]
        firms = [api.reference_id(row) for row in self.rows["company"][:2]]
        wanted = {number for number in [*people, *firms] if number is not None}
        if not wanted:
            return
        base = {"fields": "id,isCompany", "filters": [api.number_filter(sorted(wanted))]}
        call = api.ListCall("contact/list", ("contacts",), base)
        got = self._try("numbers filter", lambda: self.pager.fetch(call, 0).payload)
        if got is None:
            self.profile.number_filter = REFUSED
            return
        found = {api.reference_id(row) for row in got}
        if found - wanted:
            self.profile.number_filter = IGNORED
            self._risk("filter 4231 with several numbers is ignored: details cost a GET each.")
            return
        if found:
            self.profile.number_filter = HONOURED
        shown = "both kinds" if found == wanted else "one kind only"
        self.profile.facts["is_company_omitted"] = shown
        self._say("isCompany omitted", shown)

    def _change_filter(self) -> None:
        rows = [
            (number, kind, int(updated.timestamp()))
            for kind in ("person", "company")
            for row in self.rows[kind]
            if (number := api.reference_id(row)) is not None
            and (updated := parse_instant(row.get("dateOfLastUpdate"))) is not None
        ]
        probe = ChangeFilterProbe(
            f"preflight {time.time()}", self.pager, self.profile, self.settings
        )
        probe.learn(pick_samples(rows, self.client.now()), self.users_zones)
        status = self.profile.change_filter
        zone = self._zone_text()
        self._say("filter 38", status + (f"; dates are read as {zone}" if zone else ""))
        if status in {IGNORED, REFUSED}:
            self._risk(
                f"filter 38 (date of last change) is {status}: a delta needs a sweep of all ids. "
                "A saved filter on the change date, named by PLANFIX_CHANGED_FILTER_ID, is cheaper."
            )
        elif status == UNKNOWN:
            self._risk("no contact was there to test filter 38 with.")

    def _zone_text(self) -> str:
        zones = self.profile.zones
        if not zones:
            return ""
        likely = [name for name in self.users_zones if name in zones]
        if self.settings.timezone in zones:
            likely = [self.settings.timezone]
        return (
            likely[0] if likely else zones[0] if len(zones) == 1 else f"one of {len(zones)} zones"
        )

    def _deleted(self) -> None:
        rows = [*self.rows["person"], *self.rows["company"]]
        if any(row.get("isDeleted") is True for row in rows):
            self.profile.deleted_in_list = SHOWN
        ids = sorted(number for number in map(api.reference_id, rows) if number is not None)
        seen = set(ids)
        low, high = (ids[0], ids[-1]) if ids else (0, 0)
        # a number inside the range that no list shows: deleted, merged or not visible
        window = [n for n in range(low, min(high, low + 400)) if n not in seen]
        answer = "no gap to ask about"
        if self.profile.list_order == "ascending id" and window:
            answer = self._ask_gone(window[:2])
        self.profile.facts["missing_contact"] = answer
        self._say("deleted", f"in lists: {self.profile.deleted_in_list}; by GET: {answer}")

    def _ask_gone(self, numbers: Sequence[int]) -> str:
        answer = ""
        for number in numbers:
            try:
                reply = self.client.get(
                    f"contact/{number}", "contact", {"fields": "id,isDeleted"}, expect=dict
                )
            except PlanfixRefusal as error:
                code = "" if error.code is None else f", code {error.code}"
                answer = f"HTTP {error.status}{code}"
                continue
            if reply.payload.get("isDeleted") is True:
                self.profile.deleted_in_list = HIDDEN
                return "the object with isDeleted"
            answer = "the object"
        return answer

    def _comments(self) -> None:
        end = floor_minute(self.client.now()) - MINUTE
        rows, seconds = self._comment_window(end - timedelta(days=7), end)
        if rows is None:
            self.profile.comment_route = PER_CONTACT
            self._say("notes", "/comment/list is not to be had: one request per contact")
            return
        self.profile.facts["comment_week_seconds"] = round(seconds, 1)
        if any(tables.contact_id_of_comment(row, "") is not None for row in rows):
            self.profile.comment_route = GLOBAL
        else:
            self._ask_cards()
        self.profile.facts["comments_a_week"] = len(rows)
        ids = [api.reference_id(row) or 0 for row in rows]
        if len(ids) > 1:
            self.profile.comment_order = ids == sorted(ids)
            if not self.profile.comment_order:
                self._risk("comments do not come in the order asked for.")
        route = {
            GLOBAL: "/comment/list includes card notes: notes cost a few requests",
            PER_CONTACT: "/comment/list lacks card notes: notes cost a request per contact",
        }.get(self.profile.comment_route, "no note found to test with: one request per contact")
        self._say("notes", f"{route}; a week took {seconds:.1f} s")
        if seconds > 20:
            self._risk(f"/comment/list is slow here ({seconds:.0f} s a page).")
        if self.profile.comment_route != GLOBAL:
            most = rotation(self.settings, self.profile)
            self._risk(
                "new notes on unchanged contacts are found only by reading every card; a delta "
                f"reads {f'{most:,} of them in turn' if most else 'all of them'} "
                "(PLANFIX_NOTES_ROTATION)."
            )

    def _comment_window(self, start: datetime, end: datetime) -> tuple[list[Row] | None, float]:
        zone = known_zone(self.settings, self.profile)
        try:
            reply = self.pager.fetch(api.all_comments(zone.window(start, end)), 0)
        except PlanfixRefusal as error:
            if error.kind == "scope":
                self.missing_scopes.append("comments")
                return None, 0.0
            if error.kind in {"input", "missing"} or error.status in {404, 405}:
                return None, 0.0
            raise
        return _rows(reply.payload), reply.seconds

    def _ask_cards(self) -> None:
        """Looks for one note on a card and asks the global list for it."""
        rows = sorted(
            [*self.rows["person"], *self.rows["company"]],
            key=lambda row: str((row.get("dateOfLastUpdate") or {}).get("datetime")),
            reverse=True,
        )
        for row in rows[:CARDS_TO_ASK]:
            number = api.reference_id(row)
            if number is None:
                continue
            try:
                notes = self.pager.fetch(api.contact_comments(number), 0, 1).payload
            except PlanfixRefusal as error:
                if error.kind == "scope":
                    self.missing_scopes.append("comments")
                return
            if not notes:
                continue
            written = parse_instant(notes[0].get("dateTime"))
            if not written:
                continue
            found, _ = self._comment_window(written - MINUTE, written + MINUTE)
            ids = {api.reference_id(each) for each in found or []}
            wanted = api.reference_id(notes[0])
            self.profile.comment_route = GLOBAL if wanted in ids else PER_CONTACT
            return

    def _burst(self) -> None:
        """Two requests at once, then five: what changes?"""
        call = api.contact_list(is_company=False, fields="id", kind_filter=False)
        interval = self.client.pacer.interval
        limits = self.client.limit_replies

        def one(_: int) -> float:
            return self.pager.fetch(call, 0, 1).seconds

        alone = min(one(0), one(0))
        self.client.set_rate(0)
        worst = 0.0
        try:
            for width in (2, 5):
                with ThreadPoolExecutor(width) as pool:
                    worst = max(worst, *pool.map(one, range(width)))
                if self.client.limit_replies > limits:
                    break
        finally:
            self.client.pacer.interval = max(interval, self.client.pacer.interval)
        refused = self.client.limit_replies - limits
        calm = not refused and worst < 5 * alone + BURST_PATIENCE
        self.profile.facts["burst"] = {
            "refused": refused,
            "alone_seconds": round(alone, 3),
            "worst_seconds": round(worst, 3),
        }
        self.profile.requests_per_second = None
        self.profile.concurrency = 1
        if calm and self.settings.is_loopback:
            self.profile.requests_per_second = 0.0
            self.profile.concurrency = LOOPBACK_CONCURRENCY
            text = "served at once; a server on this machine is no Planfix: no pace needed"
        elif calm:
            self.profile.concurrency = CAREFUL_CONCURRENCY
            text = (
                "served at once; the documented pace is kept all the same (raise it with "
                "PLANFIX_REQUESTS_PER_SECOND)"
            )
        else:
            how = f"{refused} refused" if refused else f"delayed up to {worst:.1f} s"
            text = f"{how}: one request at a time"
        self._say("five at once", text)
        self.session._obey(self.profile)

    def _counts(self) -> None:
        known = self.session.raw.counts()
        for kind in ("person", "company"):
            rows = len(self.rows[kind])
            self.counts[kind] = (
                rows
                if 0 < rows < api.PAGE_SIZE
                else self._contact_count(kind, known.get("contacts", 0) if kind == "person" else 0)
            )
        tasks = len(self.rows["tasks"])
        if tasks >= api.PAGE_SIZE:
            call = api.ListCall("task/list", ("tasks",), {"fields": "id"})
            tasks = count_by_bisection(
                lambda offset: bool(self.pager.fetch(call, offset, 1).payload),
                known.get("tasks", 0),
            )
        self.counts["task"] = tasks
        self._say(
            "counted",
            f"{self.counts['person']:,} people, {self.counts['company']:,} companies, "
            f"{tasks:,} tasks (compare with the counters of Planfix)",
        )

    def _costs(self) -> list[Cost]:
        lists = _pages(self.counts["person"]) + _pages(self.counts["company"])
        contacts = self.counts["person"] + self.counts["company"]
        reference = 8 + len(self.rows["data tags"]) + len(self.rows["directories"])
        is_global = self.profile.comment_route == GLOBAL
        week = self.profile.facts.get("comments_a_week", 0)
        created = [
            moment
            for kind in ("person", "company")
            for row in self.rows[kind]
            if (moment := parse_instant(row.get("createdDate")))
        ]
        weeks = (self.client.now() - min(created)).days / 7 if created else 52.0
        history = min(contacts, _pages(int(week * weeks)) + 20) if is_global else contacts
        wants = self.settings.notes != "none" and "notes" not in self.settings.skip
        full = {
            "reference": reference,
            "contacts": lists,
            "recheck and counts": 12,
            "tasks": 0 if "tasks" in self.settings.skip else _pages(self.counts["task"]),
            "notes": history if wants else 0,
            "task comments": (
                self.counts["task"] if self.settings.task_comments and not is_global else 0
            ),
            "details": contacts if self.settings.contact_details else 0,
        }
        works = self.profile.change_filter == HONOURED
        cards = rotation(self.settings, self.profile)
        delta = {
            "reference": reference,
            "contacts": 4 if works else lists + 2,
            "counts": 4,
            "tasks": 0 if "tasks" in self.settings.skip else 5,
            "id sweep": lists if works else 0,
            "notes": (4 if is_global else min(contacts, cards or contacts)) if wants else 0,
        }
        if wants and not self.settings.task_comments:
            extra = 0 if is_global else self.counts["task"]
            self._say("task comments", f"would add about {extra:,} requests to a full extract")
        return [Cost("full extract", full), Cost("delta (a day)", delta)]

    # the end --------------------------------------------------------------------------------

    def _store(self) -> None:
        row = {
            "account": self.settings.account,
            "checked_at": datetime.now(UTC),
            "profile": tables.dumps(self.profile.to_json()),
        }
        pipeline = pipelines.build_pipeline("planfix", SCHEMA, pipelines.PlainProgress(3600))
        folder = pipelines.files_dir(pipeline)
        book = {"capability_profile": [row]}
        pipelines.load(pipeline, source.planfix(self.session.spool, folder, "", [], book))

    def _report(self, costs: Sequence[Cost], seconds: float) -> str:
        if self.missing_scopes:
            names = ", ".join(dict.fromkeys(self.missing_scopes))
            self._risk(f"the token may not read: {names}. Add the scopes, or set PLANFIX_SKIP.")
        rate = self.session._rate(self.profile)
        if self.client.pacer.interval:
            rate = min(rate or 1e9, 1 / self.client.pacer.interval)
        quota = self.settings.daily_quota or self.profile.daily_quota
        out = ["Preflight", *self.lines, "Cost"]
        out += [f"  {cost.line(rate, quota)}" for cost in costs]
        out.append("Risks" if self.profile.risks else "Risks: none found")
        out += [f"  - {risk}" for risk in self.profile.risks]
        used = self.client.meter.sent
        out.append(
            f"{used} requests in {seconds:.0f} s; stored as {SCHEMA}.capability_profile "
            f"(documented pace: {DOCUMENTED_RATE:g} a second)."
        )
        return "\n".join(out) + "\n"
