"""One invocation: settings, client, spool and database brought together."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from loaders import pipelines
from loaders import settings as common
from loaders.errors import SettingsError
from loaders.planfix.client import DOCUMENTED_RATE, Meter, PlanfixClient
from loaders.planfix.extract import DELTA, FULL, OVERLAP, Context, Extract, Plan, new_plan
from loaders.planfix.paging import Pager
from loaders.planfix.profile import CapabilityProfile
from loaders.planfix.raw import RawState
from loaders.planfix.settings import PlanfixSettings
from loaders.planfix.spool import Spool, spool_path
from loaders.planfix.zones import parse_since

SAMPLE_CONCURRENCY = 4
# a parsed page is thousands of objects and no cycle among them
OBJECTS_BETWEEN_COLLECTIONS = 200_000
# a thread that waits for a reply needs Python for moments only: it should not wait for them
TURN_SECONDS = 0.0005


@contextlib.contextmanager
def tuned_for_pages() -> Iterator[None]:
    """Makes Python's collector rare and the turns of its threads short while pages are read."""
    threshold, turn = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, *threshold[1:])
    sys.setswitchinterval(TURN_SECONDS)
    try:
        yield
    finally:
        gc.set_threshold(*threshold)
        sys.setswitchinterval(turn)


class Session:
    """A context manager around one run or preflight."""

    def __init__(self, settings: PlanfixSettings, max_requests: int | None) -> None:
        """Reads what is known about the account; nothing is sent yet."""
        self.settings = settings
        self.progress = pipelines.progress()
        self.raw = RawState(settings.account)
        self.profile = self.raw.profile()
        quota = settings.daily_quota or self.profile.daily_quota
        meter = Meter(
            budget=max_requests,
            reserve=int(quota * (1 - settings.quota_share)),
        )
        self.client = PlanfixClient(
            settings,
            rate=self._rate(self.profile),
            meter=meter,
            on_sample=self._meet_sample,
            on_wait=self._say_wait,
        )
        found = common.database()
        self.spool = Spool(
            spool_path(
                pipelines.dlt_dir() / "spool",
                settings.base_url,
                f"{found.host}:{found.port}/{found.dbname}",
            )
        )
        meter.on_take = self.spool.count_request
        self.pager = Pager(self.client, self.spool)
        self._obey(self.profile)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(Exception):
            if self.spool.get("plan") is None:
                # nothing begun, or finished and gone
                self.spool.discard()
            else:
                self.spool.close()

    def _rate(self, profile: CapabilityProfile) -> float:
        if self.settings.requests_per_second is not None:
            return self.settings.requests_per_second
        if profile.requests_per_second is not None:
            return profile.requests_per_second
        return DOCUMENTED_RATE * self.settings.quota_share

    def _obey(self, profile: CapabilityProfile) -> None:
        self.client.set_rate(self._rate(profile))
        self.pager.concurrency = self.settings.concurrency or profile.concurrency
        self.pager.field_limit = profile.field_limit
        self.pager.cap = profile.page_cap

    def _meet_sample(self) -> None:
        """Keeps sample data out of real databases; a simulator needs no sparing."""
        if not self.raw.is_embedded():
            raise SettingsError(
                "this server serves sample data (a simulator), and the database in use is not the "
                "embedded one: sample records are never loaded into a real database. Set "
                "PLANFIX_BASE_URL to your account, or unset DATABASE_URL and PG*."
            )
        if self.settings.requests_per_second is None:
            self.client.set_rate(0)
        self.pager.concurrency = self.settings.concurrency or SAMPLE_CONCURRENCY

    def _say_wait(self, seconds: float, why: str) -> None:
        self.progress.update("waits", 1, message=f"{why}, {seconds:.0f} s")

    def _context(self, plan: Plan) -> Context:
        self.pager.on_page = lambda stage, rows: self.progress.update(stage, rows)
        return Context(
            settings=self.settings,
            client=self.client,
            spool=self.spool,
            pager=self.pager,
            profile=self.profile,
            raw=self.raw,
            plan=plan,
            progress=self.progress,
        )

    def _knock(self) -> None:
        """Makes sure that this is Planfix and that it lets us in."""
        self.client.get("ping", "")

    def _plan(self, since: str | None, full: bool) -> Plan:
        stored = self.spool.get("plan")
        now = self.client.now()
        start: datetime | None = None
        if since:
            try:
                start = parse_since(since, now)
            except ValueError as error:
                raise SettingsError(
                    f"--since {since!r} is neither an amount such as 14d, 12h or 30m nor a date "
                    f"such as 2026-01-31 ({error})."
                ) from None
        if stored:
            plan = Plan.from_json(stored)
            if plan.mode == FULL or not (full or start):
                return plan
            if start and plan.window_from and plan.window_from <= start:
                return plan
            # what is asked for now is more than what was begun
            self.spool.restart()
        mode = DELTA
        if full:
            mode = FULL
        elif start is None:
            watermark = self.raw.watermark()
            mode = DELTA if watermark else FULL
            start = watermark - OVERLAP if watermark else None
        plan = new_plan(mode, now, None if mode == FULL else start)
        self.spool.put("clock_skew", self.client.clock_skew.total_seconds())
        self.spool.put("plan", plan.to_json())
        return plan

    def run(self, *, since: str | None, full: bool, accept_drop: bool) -> pipelines.Summary:
        """Extracts and loads, resuming what was left unfinished."""
        resumed = self.spool.get("plan") is not None
        if resumed:
            # the first request of the rest tells whether the token still opens the door
            self.client.clock_skew = timedelta(seconds=self.spool.get("clock_skew") or 0)
        else:
            self._knock()
        plan = self._plan(since, full)
        context = self._context(plan)
        context.accept_drop = accept_drop
        if resumed and self.spool.get("plan") == plan.to_json():
            begun = f"{plan.started_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
            context.lines.append(f"resumed run {plan.run_id}, begun {begun}")
            self._restore_learnt()
        with tuned_for_pages():
            return Extract(context).run()

    def _restore_learnt(self) -> None:
        learnt = self.spool.get("change_filter")
        if learnt:
            self.profile.change_filter, self.profile.zones = learnt[0], list(learnt[1])
        if route := self.spool.get("notes_route"):
            self.profile.comment_route = route

    def preflight(self) -> str:
        """Asks the open questions, stores the answers, returns the report."""
        from loaders.planfix.preflight import Preflight

        self._knock()
        return Preflight(self).run()
