"""Notes: card comments by the cheapest route, task comments and details when asked for.

The global `/comment/list` costs a few requests per window, one list per contact costs a request
for every contact. Which of them an account needs is found out once and kept in its profile. The
state of the work is kept per contact, so a backfill may take days and goes on where it stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from loaders.planfix import api, tables
from loaders.planfix.client import PlanfixRefusal
from loaders.planfix.paging import Row, Unfiltered
from loaders.planfix.probes import known_zone
from loaders.planfix.profile import GLOBAL, PER_CONTACT, UNKNOWN, CapabilityProfile
from loaders.planfix.settings import PlanfixSettings
from loaders.planfix.spool import Item
from loaders.planfix.zones import MINUTE, epoch, floor_minute, parse_instant

if TYPE_CHECKING:
    from loaders.planfix.extract import Extract

STAGE = "comments"
# contacts asked for a note while the route is unknown
ROUTE_SAMPLES = 20
FIRST_WIDTH = timedelta(days=1)
MOST_WIDTH = timedelta(days=730)
# a page slower than this means the window is too wide
SLOW_SECONDS = 15.0
MOST_PAGES = 10
# unchanged cards read per delta where nothing says which ones have news: a part of the day
ROTATION_SHARE = 0.25
LEAST_QUOTA = 20_000
CARD_TRIES = 3


def describe_comment(unit: str, with_tasks: bool) -> Callable[[Row], Item | None]:
    """Returns the index entry of a comment: on a card, of a task, or not to be loaded."""
    from loaders.planfix.extract import CARD, TASK

    def describe(row: Row) -> Item | None:
        number = api.reference_id(row)
        if number is None:
            return None
        kind = "other"
        if tables.contact_id_of_comment(row, unit) is not None:
            kind = CARD
        elif with_tasks and tables.task_id_of_comment(row, unit) is not None:
            kind = TASK
        return Item(number, kind, updated=epoch(row.get("dateTime")))

    return describe


def rotation(settings: PlanfixSettings, profile: CapabilityProfile) -> int:
    """Returns how many unchanged cards a delta reads without the global list, 0 for all."""
    if settings.notes_rotation is not None:
        return settings.notes_rotation
    quota = settings.daily_quota or profile.daily_quota or LEAST_QUOTA
    return int(quota * ROTATION_SHARE)


class Notes:
    """The notes of one run."""

    def __init__(self, extract: Extract) -> None:
        self.extract = extract
        self.spool = extract.spool
        self.client = extract.client
        self.pager = extract.pager
        self.profile = extract.profile
        self.settings = extract.settings

    def fetch(self) -> None:
        """Fetches card notes, task comments and details as the settings ask."""
        once = self.extract.context.once
        if self.settings.notes != "none" and "notes" not in self.settings.skip:
            try:
                once("notes", self._card_notes)
                if self.settings.task_comments:
                    once("task_comments", self._task_comments)
            except PlanfixRefusal as error:
                raise self.extract._named(error, "notes") from None
        if self.settings.contact_details:
            once("contact_details", self._details)

    def books(self) -> dict[str, list[tables.Values]]:
        """Returns what the next run must know: the route, the watermark, the cards read."""
        now = datetime.now(UTC)
        plan = self.extract.plan
        found: dict[str, list[tables.Values]] = {}
        checked = self.spool.units("card", "done") + self.spool.units("card", "gone")
        if checked:
            found["contact_comment_checks"] = [
                {"contact_id": number, "checked_at": plan.started_at, "run_id": plan.run_id}
                for number in checked
            ]
        if self.spool.state("step", "notes") == "done":
            # where cards still wait, the global list must begin again where it ended before
            waits = self.spool.get("cards_waiting")
            found["extract_state"] = [
                {
                    "account": self.settings.account,
                    "name": "notes",
                    "noted_at": now,
                    "payload": tables.dumps(
                        {
                            "route": self.spool.get("notes_route"),
                            "to": self._state().get("to") if waits else self.spool.get("notes_to"),
                            "tasks": self.spool.state("step", "task_comments") == "done",
                        }
                    ),
                }
            ]
        return found

    # card notes -----------------------------------------------------------------------------

    def _card_notes(self) -> None:
        if self.spool.get("notes_to") is None:
            end = floor_minute(self.client.now()) - MINUTE
            self.spool.put("notes_to", end.isoformat())
        route = self.spool.get("notes_route")
        if route is None:
            route = self._choose_route()
            self.spool.put("notes_route", route)
        if route == GLOBAL:
            try:
                self._global()
                self._new_cards()
                return
            except (Unfiltered, PlanfixRefusal) as error:
                if isinstance(error, PlanfixRefusal) and error.kind not in {"input", "missing"}:
                    raise
                self.profile.comment_route = PER_CONTACT
                self.spool.put("notes_route", PER_CONTACT)
        self._per_contact()

    def _choose_route(self) -> str:
        if self.profile.comment_route == UNKNOWN:
            self.find_route()
        if self.profile.comment_route != GLOBAL:
            return PER_CONTACT
        start = self._notes_from()
        if start is not None:
            return GLOBAL
        # a full history: global pages hold the comments of all tasks, too
        pages = self._estimate_pages()
        calls = self.spool.item_count("contacts")
        if self._state().get("to") is None:
            calls += int(self.spool.query("select count(*) from known")[0][0])
        if self.settings.task_comments:
            calls += len(self._tasks_to_read())
        return GLOBAL if pages is None or pages <= max(calls, 20) else PER_CONTACT

    def find_route(self) -> None:
        """Finds out whether the global list returns card notes."""
        end = datetime.fromisoformat(self.spool.get("notes_to"))
        rows = self._probe(end - timedelta(days=7), end)
        if rows is None:
            self.profile.comment_route = PER_CONTACT
            return
        if any(tables.contact_id_of_comment(row, "") is not None for row in rows):
            self.profile.comment_route = GLOBAL
            return
        sample = self.spool.get("route_sample")
        for number in [] if sample else self._recent_contacts(ROUTE_SAMPLES):
            # these pages are used, not only looked at
            found = self._card(number)
            if not found:
                continue
            written = epoch(found[0].get("dateTime"))
            if written is not None:
                sample = [api.reference_id(found[0]), written]
                self.spool.put("route_sample", sample)
                break
        if not sample:
            # no note found where notes are likeliest: the sure route, the question stays open
            return
        moment = datetime.fromtimestamp(sample[1], UTC)
        around = self._probe(moment - MINUTE, moment + MINUTE) or []
        ids = {api.reference_id(row) for row in around}
        self.profile.comment_route = GLOBAL if sample[0] in ids else PER_CONTACT

    def _probe(self, start: datetime, end: datetime) -> list[Row] | None:
        """Returns the first page of a window, None when the call is not to be had."""
        call = api.all_comments(known_zone(self.settings, self.profile).window(start, end))
        try:
            return self.pager.ask("notes", call)
        except PlanfixRefusal as error:
            # an older account does not have the call; an outage is no answer
            if error.kind in {"input", "missing"} or error.status in {404, 405}:
                return None
            raise

    def _recent_contacts(self, count: int) -> list[int]:
        rows = self.spool.query(
            "select id from item where stage = 'contacts' order by updated desc limit ?", [count]
        )
        if not rows:
            rows = self.spool.query("select id from known order by updated desc limit ?", [count])
        return [int(row[0]) for row in rows]

    def _notes_from(self) -> datetime | None:
        """Returns the notes' watermark, None when the whole history is wanted."""
        from loaders.planfix.extract import DELTA, OVERLAP

        if self.extract.plan.mode != DELTA:
            return None
        noted = self._state()
        start = self.extract.plan.window_from
        is_first = not self.spool.query("select exists (select 1 from known)")[0][0]
        if is_first:
            # `--since` on an empty database: what it fetched is read card by card
            return start
        if noted.get("to") is None or (self.settings.task_comments and not noted.get("tasks")):
            # notes, or those of tasks, were switched on since: their history is still missing
            return None
        watermark = datetime.fromisoformat(noted["to"]) - OVERLAP
        return min(watermark, start) if start else watermark

    def _state(self) -> dict[str, Any]:
        """Returns what the last run that finished its notes left."""
        return self.extract.context.raw.states().get("notes") or {}

    def _oldest(self) -> datetime:
        row = self.spool.query(
            "select min(created), exists (select 1 from known) from item where stage = 'contacts'"
        )
        if row and row[0][0] and not row[0][1]:
            return datetime.fromtimestamp(int(row[0][0]), UTC) - timedelta(days=1)
        return self.client.now() - timedelta(days=365 * 15)

    def _estimate_pages(self) -> int | None:
        """Estimates the global pages of the whole history from the density of the last month."""
        noted = self.spool.get("notes_estimate")
        if noted is not None:
            return int(noted)
        end = datetime.fromisoformat(self.spool.get("notes_to"))
        rate = 0.0
        for days in (30, 7, 1):
            rows = self._probe(end - timedelta(days=days), end)
            if rows is None:
                return None
            rate = max(rate, len(rows) / days)
            if len(rows) < self.pager.page_size:
                break
        pages = math.ceil(rate * max(1, (end - self._oldest()).days) / self.pager.page_size)
        self.spool.put("notes_estimate", pages)
        return pages

    def _global(self) -> None:
        """Walks backwards through closed windows that are as wide as the answers allow."""
        first = self._notes_from() or self._oldest()
        end = datetime.fromisoformat(self.spool.get("notes_to"))
        noted = self.spool.get("notes_cursor")
        width = FIRST_WIDTH
        if not noted:
            self.extract.context.once("notes_tail", lambda: self._tail(end))
        if noted:
            end = datetime.fromisoformat(noted["end"])
            width = timedelta(seconds=noted["width"])
        zone = known_zone(self.settings, self.profile)
        while end > first:
            start = max(first, end - width)
            window = zone.window(start, end)
            least = start - zone.slack(start)

            def check(rows: Sequence[Row], least: datetime = least) -> None:
                for row in rows:
                    written = parse_instant(row.get("dateTime"))
                    if written and written < least:
                        raise Unfiltered

            unit = f"window:{window[0]}..{window[1]}"
            began = self.client.meter.sent
            clock = datetime.now(UTC)
            walked = self.pager.walk(
                STAGE,
                unit,
                api.all_comments(window),
                describe_comment(unit, self.settings.task_comments),
                check=check,
                # one at a time: these are the heaviest queries of the API
                parallel=False,
            )
            sent = max(1, self.client.meter.sent - began)
            slow = (datetime.now(UTC) - clock).total_seconds() / sent > SLOW_SECONDS
            self.extract.context.add_floor(max(1, math.ceil(walked.listed / self.pager.page_size)))
            if slow or walked.pages > MOST_PAGES:
                width = max(timedelta(hours=1), width / 2)
            elif walked.pages <= 1:
                width = min(MOST_WIDTH, width * (4 if walked.listed < 25 else 2))
            # the next window shares a minute with this one
            end = start + (MINUTE if start > first else timedelta(0))
            self.spool.put("notes_cursor", {"end": end.isoformat(), "width": width.total_seconds()})
        last = datetime.fromisoformat(self.spool.get("notes_tail") or self.spool.get("notes_to"))
        self.extract.context.once("notes_count", lambda: self._verify(first, last))

    def _new_cards(self) -> None:
        """Reads the cards of contacts that are new to us but older than the windows."""
        first = self._notes_from()
        if first is None:
            return
        rows = self.spool.query(
            "select c.id from item as c where c.stage = 'contacts' and not c.is_deleted "
            "and (c.created is null or c.created < ?) "
            "and not exists (select 1 from known as k where k.id = c.id) order by c.id",
            [int(first.timestamp())],
        )
        self.spool.queue("card", [int(row[0]) for row in rows])
        self._in_parallel(self.spool.units("card", "todo"), self._card)

    def _tail(self, end: datetime) -> None:
        """Looks at the minutes after the closed windows; they come again with the next run."""
        zone = known_zone(self.settings, self.profile)
        last = self.client.now() + MINUTE
        self.spool.put("notes_tail", last.isoformat())
        window = zone.window(end, last)
        unit = f"tail:{window[0]}..{window[1]}"
        describe = describe_comment(unit, self.settings.task_comments)
        self.pager.walk(STAGE, unit, api.all_comments(window), describe, parallel=False)
        self.extract.context.add_floor(1)

    def _verify(self, first: datetime, last: datetime) -> None:
        """Counts the whole range at the source; where it holds more, halves it and reads again."""
        zone = known_zone(self.settings, self.profile)
        todo = [(first, last)]
        total: int | None = None
        while todo:
            start, end = todo.pop()
            window = zone.window(start, end)
            covered = [int(moment.timestamp()) for moment in zone.covered(window)]
            found = self.spool.query(
                "select count(*) from item where stage = ? and updated between ? and ?",
                [STAGE, *covered],
            )
            have = int(found[0][0])
            call = api.all_comments(window)
            if total is not None and have < self.pager.page_size:
                unit = f"again:{window[0]}..{window[1]}"
                describe = describe_comment(unit, self.settings.task_comments)
                self.pager.walk(STAGE, unit, call, describe, parallel=False, verify="end")
                continue
            call.body["fields"] = "id"
            counted = self.pager.count("notes", call, have)
            total = counted if total is None else total
            middle = floor_minute(start + (end - start) / 2)
            if counted > have and start < middle < end:
                todo += [(start, middle), (middle, end)]
        loaded = self.spool.item_count(STAGE)
        # a note deleted since is in the spool and not in the count any more
        self.extract.context.check("comments", total, min(loaded, total) if total else loaded)

    def _per_contact(self) -> None:
        """One request per card: changed ones first, then those not read for the longest time."""
        if self.spool.get("cards_queued") is None:
            self.spool.queue("card", self._cards())
            self.spool.put("cards_queued", True)
        todo = self.spool.units("card", "todo")
        self._in_parallel(todo, self._card)
        waiting = int(self.spool.get("cards_waiting") or 0)
        read = self.spool.unit_count("card", "done") + self.spool.unit_count("card", "gone")
        self.extract.context.check(
            "comment_cards",
            read + waiting,
            read,
            "unknown" if waiting else "ok",
            "unchanged cards wait for their turn to be read for new notes" if waiting else "",
        )

    def _cards(self) -> list[int]:
        changed = [
            int(row[0])
            for row in self.spool.query(
                "select id from item where stage = 'contacts' order by updated desc, id"
            )
        ]
        checks = self.extract.context.raw.note_checks()
        known = [int(row[0]) for row in self.spool.query("select id from known")]
        fresh = set(changed)
        never = datetime.min.replace(tzinfo=UTC)
        others = sorted(
            (number for number in known if number not in fresh),
            key=lambda number: (checks.get(number, never), number),
        )
        most = rotation(self.settings, self.profile) or len(others)
        if self._state().get("to") is None:
            # notes were switched on since: the history of all cards, like that of a first run
            most = len(others)
        left = max(0, len(others) - most)
        self.spool.put("cards_waiting", left)
        if left:
            self.extract.context.lines.append(
                f"{left:,} unchanged cards wait for their turn to be read for new notes"
            )
        return [*changed, *others[:most]]

    def _card(self, number: int) -> list[Row]:
        """Reads the last notes of one card, or all of them."""
        unit = f"contact:{number}"
        call = api.contact_comments(number)
        describe = describe_comment(unit, self.settings.task_comments)
        if self.spool.state("card", number) in {"done", "gone"}:
            return []
        try:
            # the card of a contact that is gone answers like a passing fault
            rows = self._notes_of(unit, replace(call, tries=CARD_TRIES), describe)
        except PlanfixRefusal as error:
            if error.kind not in {"missing", "rights", "fault", "input"}:
                raise
            if error.kind in {"missing", "rights"} or not self._exists(number):
                self.spool.mark("card", number, "gone")
                return []
            rows = self._notes_of(unit, call, describe)
        self.spool.mark("card", number)
        return rows

    def _notes_of(
        self, unit: str, call: api.ListCall, describe: Callable[[Row], Item | None]
    ) -> list[Row]:
        if self.settings.notes != "all":
            return self._last(unit, call, describe, self.settings.notes_per_contact)
        walked = self.pager.walk(STAGE, unit, call, describe, parallel=False)
        self.extract.context.add_floor(max(1, math.ceil(walked.listed / self.pager.page_size)))
        return []

    def _last(
        self, unit: str, call: api.ListCall, describe: Callable[[Row], Item | None], wanted: int
    ) -> list[Row]:
        size = min(self.pager.page_size, wanted)
        rows = self.pager.get_page(STAGE, unit, "0", call, 0, describe, size=size)
        self.extract.context.add_floor(1)
        ids = [api.reference_id(row) or 0 for row in rows]
        if len(ids) > 1 and ids == sorted(ids):
            # oldest first although newest were asked for
            self.profile.comment_order = False
        if len(rows) < size:
            return rows
        if not self.profile.comment_order or wanted > len(rows):
            offset = len(rows)
            while rows and (not self.profile.comment_order or offset < wanted):
                part = self.pager.get_page(
                    STAGE, unit, str(offset), call, offset, describe, size=self.pager.page_size
                )
                rows += part
                offset += len(part)
                if len(part) < self.pager.page_size:
                    break
        return rows

    def _exists(self, number: int) -> bool:
        try:
            self.client.get(f"contact/{number}", "contact", {"fields": "id"}, expect=dict)
        except PlanfixRefusal as error:
            if error.kind in {"missing", "rights", "input"}:
                return False
            raise
        return True

    # task comments and details --------------------------------------------------------------

    def _task_comments(self) -> None:
        if self.spool.get("notes_route") == GLOBAL:
            return
        if self.spool.get("tasks_queued") is None:
            self.spool.queue("task", self._tasks_to_read())
            self.spool.put("tasks_queued", True)
        self._in_parallel(self.spool.units("task", "todo"), self._task)

    def _tasks_to_read(self) -> list[int]:
        """Returns the tasks whose counterparty is a contact, known ones too when new to this."""
        from loaders.planfix.extract import DELTA

        rows = self.spool.query("select id from item where stage = 'tasks' and kind = 'contact'")
        numbers = {int(row[0]) for row in rows}
        if self.extract.plan.mode == DELTA and not self._state().get("tasks"):
            numbers |= self.extract.context.raw.tasks_of_contacts()
        return sorted(numbers)

    def _task(self, number: int) -> None:
        unit = f"task:{number}"
        describe = describe_comment(unit, True)
        call = api.task_comments(number)
        try:
            # the last notes of a contact are among the last ones of its tasks
            self._notes_of(unit, call, describe)
        except PlanfixRefusal as error:
            if error.kind in {"missing", "rights"}:
                self.spool.mark("task", number, "gone")
                return
            raise
        self.spool.mark("task", number)

    def _details(self) -> None:
        names = [n for n in api.CONTACT_DETAILS if n not in self.profile.details_in_list]
        if not names:
            return
        if self.spool.get("details_queued") is None:
            self.spool.queue("detail", [item.id for item in self.spool.items("contacts")])
            self.spool.put("details_queued", True)
        fields = api.joined(["id", *names])
        self._in_parallel(
            self.spool.units("detail", "todo"), lambda number: self._detail(number, fields)
        )

    def _detail(self, number: int, fields: str) -> None:
        try:
            reply = self.client.get(f"contact/{number}", "contact", {"fields": fields}, expect=dict)
        except PlanfixRefusal as error:
            if error.kind in {"missing", "rights", "input"}:
                self.spool.mark("detail", number, "gone")
                return
            raise
        self.spool.add_page(
            "contact_details",
            f"contact:{number}",
            "0",
            reply.content,
            reply.received_at,
            [Item(api.reference_id(reply.payload))],
            [reply.payload],
        )
        self.spool.mark("detail", number)
        self.extract.context.add_floor(1)

    def _in_parallel(self, numbers: Sequence[int], work: Callable[[int], Any]) -> None:
        if self.pager.concurrency <= 1:
            for number in numbers:
                work(number)
            return
        with ThreadPoolExecutor(max_workers=self.pager.concurrency) as pool:
            # a bounded number at a time, so that a pause stops soon
            width = self.pager.concurrency * 4
            for start in range(0, len(numbers), width):
                for done in [pool.submit(work, n) for n in numbers[start : start + width]]:
                    done.result()
