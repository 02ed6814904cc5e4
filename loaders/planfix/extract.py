"""The order of work of one extract run, resumable at every page.

    reference data → contacts (both kinds) → recheck → tasks → load
    → notes, comments, details → sweep, audit → load

What a run has decided (its id, mode, window, field list) stands in the spool, so that the next
invocation goes on exactly where the last one stopped, whatever stopped it. Each `stage` below is
a stage of the spool; its finished units are skipped.
"""

from __future__ import annotations

import getpass
import itertools
import math
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from dlt.common.runtime.collector_base import Collector

from loaders import pipelines
from loaders.errors import ExtractPaused, IncompleteExtractError, SourceError
from loaders.planfix import api, source, tables
from loaders.planfix.client import PlanfixClient, PlanfixRefusal, QuotaPause, parse_json
from loaders.planfix.paging import Pager, Row, Unfiltered, Walked, rows_of
from loaders.planfix.probes import known_zone
from loaders.planfix.profile import (
    HIDDEN,
    HONOURED,
    IGNORED,
    REFUSED,
    SHOWN,
    UNKNOWN,
    CapabilityProfile,
)
from loaders.planfix.raw import SCHEMA, RawState
from loaders.planfix.settings import PlanfixSettings
from loaders.planfix.spool import Item, Spool
from loaders.planfix.zones import MINUTE, epoch, parse_instant

FULL, DELTA = "full", "delta"
# a delta starts this much before the last one ended
OVERLAP = timedelta(minutes=10)
KINDS = ("person", "company")
PASSES = {"person": "persons", "company": "companies"}
NUMBERS_PER_CALL = 100
# names in `fields` at once, where an account refuses all of them
NAMES_PER_CALL = 60
TASK_MOMENTS = ("dateOfLastUpdate", "dateOfLastComment")
# kinds of comments in the spool's index
CARD, TASK = "card", "task"
# a complete sweep that loses more than this share of the known contacts is not believed
SUSPICIOUS_DROP = 0.2
SUSPICIOUS_LEAST = 20


@dataclass
class Plan:
    """What a run is to do; kept in the spool.

    Attributes:
        run_id: its name.
        mode: full or delta.
        started_at: when it began, by the server's clock.
        window_from: start of the delta's window, None for a full run.
    """

    run_id: str
    mode: str
    started_at: datetime
    window_from: datetime | None

    def to_json(self) -> dict[str, Any]:
        """Returns the stored form."""
        return {
            "run_id": self.run_id,
            "mode": self.mode,
            "started_at": self.started_at.isoformat(),
            "window_from": self.window_from.isoformat() if self.window_from else None,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Plan:
        """Reads the stored form."""
        start = stored["window_from"]
        return cls(
            run_id=stored["run_id"],
            mode=stored["mode"],
            started_at=datetime.fromisoformat(stored["started_at"]),
            window_from=datetime.fromisoformat(start) if start else None,
        )


def new_plan(mode: str, now: datetime, window_from: datetime | None) -> Plan:
    """Returns a plan with a fresh name that sorts by time."""
    run_id = f"{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
    return Plan(run_id, mode, now, window_from)


@dataclass
class Context:
    """What every part of a run needs."""

    settings: PlanfixSettings
    client: PlanfixClient
    spool: Spool
    pager: Pager
    profile: CapabilityProfile
    raw: RawState
    plan: Plan
    progress: Collector
    audit: dict[str, tables.Values] = field(default_factory=dict)
    rows_loaded: dict[str, int] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    accept_drop: bool = False

    def add_floor(self, requests: int) -> None:
        """Adds to the least number of requests that could have done this."""
        self.spool.put("floor", self.floor + requests)

    @property
    def floor(self) -> int:
        """Returns the least number of requests for what was fetched so far."""
        return int(self.spool.get("floor") or 0)

    def check(
        self,
        name: str,
        expected: int | None,
        loaded: int | None,
        verdict: str = "",
        detail: str = "",
    ) -> None:
        """Notes one line of the audit; without a verdict the numbers give it."""
        difference = None if expected is None or loaded is None else loaded - expected
        if not verdict:
            verdict = (
                "unknown"
                if difference is None
                else "ok"
                if difference == 0
                else "short"
                if difference < 0
                else "surplus"
            )
        self.audit[name] = {
            "run_id": self.plan.run_id,
            "object": name,
            "expected": expected,
            "loaded": loaded,
            "difference": difference,
            "verdict": verdict,
            "detail": detail or None,
            "checked_at": datetime.now(UTC),
        }
        self.spool.put("audit", [_plain(row) for row in self.audit.values()])

    def once(self, name: str, work: Callable[[], None]) -> None:
        """Does a piece of work unless an earlier invocation of the run did it."""
        if self.spool.state("step", name) != "done":
            work()
            self.spool.mark("step", name)


def _plain(row: tables.Values) -> tables.Values:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def describe_contact(kind: str) -> Callable[[Row], Item | None]:
    """Returns the index entry of a contact row, listed by the pass of this kind."""

    def describe(row: Row) -> Item | None:
        number = api.reference_id(row)
        if number is None:
            return None
        said = row.get("isCompany")
        return Item(
            number,
            ("company" if said else "person") if isinstance(said, bool) else kind,
            epoch(row.get("createdDate")),
            epoch(row.get("dateOfLastUpdate")),
            row.get("isDeleted") is True,
        )

    return describe


def describe_by(table: str, unit: str) -> Callable[[Row], Item | None]:
    """Returns the index entry of a row of any other table."""

    def describe(row: Row) -> Item | None:
        found = tables.TABLES[table].row_id(row, unit)
        updated = epoch(row.get("dateOfLastUpdate"))
        kind = None
        if table == "tasks":
            kind = "contact" if tables.counterparty_contact(row) is not None else "other"
        return None if found is None else Item(found, kind, updated=updated)

    return describe


class Extract:
    """One run."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.client = context.client
        self.spool = context.spool
        self.pager = context.pager
        self.profile = context.profile
        self.settings = context.settings
        self.plan = context.plan

    # the run --------------------------------------------------------------------------------

    def run(self) -> pipelines.Summary:
        """Does what is left to do, loads it, and removes the spool.

        Raises:
            ExtractPaused: the quota or the budget is spent; the spool stays.
            IncompleteExtractError: loaded, but the audit found a difference.
            SourceError: Planfix refuses; the spool stays.
        """
        from loaders.planfix.notes import Notes

        context = self.context
        for row in self.spool.get("audit") or []:
            row["checked_at"] = datetime.fromisoformat(row["checked_at"])
            context.audit[row["object"]] = row
        paused: ExtractPaused | None = None
        notes = Notes(self)
        if self.spool.get("phase") != "closing":
            try:
                with context.progress(f"Fetch {self.plan.mode}"):
                    self._fetch_base()
            except QuotaPause as pause:
                raise self._paused(pause) from None
            try:
                with context.progress("Fetch notes"):
                    notes.fetch()
                    self._finish()
                self.spool.put("finished_at", self.client.now().isoformat())
                self.spool.put("phase", "closing")
            except QuotaPause as pause:
                paused = self._paused(pause)
                paused.is_loaded = True
        done = paused is None
        self._load("completed" if done else "paused", notes.books(), closing=done)
        if done:
            self._compare_with_raw()
        summary = self._summary()
        if paused:
            raise paused
        self.spool.discard()
        short = [row["object"] for row in context.audit.values() if row["verdict"] == "short"]
        if short:
            raise IncompleteExtractError(
                f"the extract is loaded but incomplete: {', '.join(sorted(short))} (see "
                f"{SCHEMA}.extract_audit, run {self.plan.run_id}). Run `dlt pipeline planfix run "
                "--full`; if it stays, the token's owner may not see every record."
            )
        return summary

    def _fetch_base(self) -> None:
        once = self.context.once
        once("reference", self._reference)
        if self.plan.mode == FULL:
            once("contacts", self._all_contacts)
            once("tasks", self._tasks)
            once("recheck", self._recheck)
            once("count", self._count)
        else:
            once("known", self._load_known)
            once("contacts", self._changed_contacts)
            once("tasks", self._tasks)
            once("count", self._count)
        once("fields", self._fields_again)

    def _paused(self, pause: QuotaPause) -> ExtractPaused:
        done = ", ".join(
            f"{self.spool.item_count(stage):,} {stage}"
            for stage in ("contacts", "tasks", "comments")
            if self.spool.item_count(stage)
        )
        when = f" at or after {pause.resume_at:%Y-%m-%d %H:%M} UTC" if pause.resume_at else " later"
        return ExtractPaused(
            f"{pause.reason}. Paused after {self.spool.requests:,} requests (floor "
            f"{self.context.floor:,}) of run {self.plan.run_id} ({done or 'reference data'} so "
            f"far): run the same command again{when}; nothing is asked for twice."
        )

    # loading --------------------------------------------------------------------------------

    def _load(
        self,
        status: str,
        books: dict[str, list[tables.Values]],
        closing: bool,
    ) -> None:
        context = self.context
        names = self._tables()
        stages = {tables.TABLES[name].stage for name in names}
        finished = self.spool.get("finished_at")
        run_row = {
            "run_id": self.plan.run_id,
            "mode": self.plan.mode,
            "started_at": self.plan.started_at,
            "finished_at": datetime.fromisoformat(finished) if finished else None,
            "window_from": self.plan.window_from,
            "window_to": self._window_to(),
            "status": status,
            "requests_used": self.spool.requests,
            "requests_floor": context.floor,
            "operator": _operator(),
            "account": self.settings.account,
        }
        logs: dict[str, list[tables.Values]] = {
            "extract_runs": [run_row],
            "extract_audit": list(context.audit.values()),
            "schema_changes": [
                {**row, "noticed_at": datetime.fromisoformat(row["noticed_at"])}
                for row in self.spool.get("schema_changes") or []
            ],
            "capability_profile": [
                {
                    "account": self.settings.account,
                    "checked_at": datetime.now(UTC),
                    "profile": tables.dumps(self.profile.to_json()),
                }
            ],
            **books,
        }
        sweep = None
        swept = self.spool.get("sweep")
        if closing and swept:
            if swept["is_complete"]:
                sweep = source.Sweep(swept["sweep_id"], swept["stage"], set(swept["left_out"]))
            logs["id_sweep_runs"] = [
                {
                    "sweep_id": swept["sweep_id"],
                    "started_at": datetime.fromisoformat(swept["started_at"]),
                    "finished_at": datetime.fromisoformat(swept["finished_at"]),
                    "is_complete": swept["is_complete"],
                    "ids_seen": swept["ids_seen"],
                }
            ]
        pipeline = pipelines.build_pipeline("planfix", SCHEMA, context.progress)
        with context.raw.many_questions():
            there = context.raw.tables()
            # nothing to merge with in a table without rows
            empty = context.raw.empty_tables(names)
        for name in names:
            context.rows_loaded.setdefault(name, 0)
        # nothing to be done where nothing came, but to make the table
        names = [
            name
            for name in names
            if name not in there or self.spool.item_count(tables.TABLES[name].stage)
        ]
        logs = {name: rows for name, rows in logs.items() if rows or name not in there}
        counts = pipelines.load(
            pipeline,
            source.planfix(
                self.spool,
                pipelines.files_dir(pipeline),
                self.plan.run_id,
                names,
                logs,
                sweep,
                empty,
            ),
        )
        for table, count in counts.items():
            context.rows_loaded[table] = (
                count
                if table in tables.LOGS or table == tables.SWEEP.name
                else context.rows_loaded.get(table, 0) + count
            )
        # the spool is let go of only when its rows are in the database for good
        if not closing:
            self.spool.forget_bodies(stages)

    def _tables(self) -> list[str]:
        """Returns the tables to load: all but what the settings leave out."""
        skip = self.settings.skip
        left_out = {
            "data_tags": {"data_tags", "data_tag_entries"} if "data_tags" in skip else set(),
            "directories": {"directories", "directory_entries"} if "directories" in skip else set(),
            "tasks": {"tasks"} if "tasks" in skip else set(),
            "task_comments": set() if self.settings.task_comments else {"task_comments"},
            "details": set() if self.settings.contact_details else {"contact_details"},
        }
        return [name for name in tables.TABLES if not any(name in n for n in left_out.values())]

    def _window_to(self) -> datetime | None:
        noted = self.spool.get("window_to")
        return datetime.fromisoformat(noted) if noted else None

    def _summary(self) -> pipelines.Summary:
        context = self.context
        summary = pipelines.Summary(
            "planfix",
            {name: count for name, count in context.rows_loaded.items() if name not in tables.LOGS},
            self.spool.requests,
            context.floor,
        )
        summary.lines += context.lines
        bad = [row for row in context.audit.values() if row["verdict"] in {"short", "surplus"}]
        good = sum(row["verdict"] == "ok" for row in context.audit.values())
        summary.lines.append(
            f"audit: {good} ok"
            + "".join(
                f", {row['object']} {row['verdict']} ({row['loaded']} of {row['expected']})"
                for row in bad
            )
        )
        if self.client.meter.remaining is not None:
            summary.lines.append(f"requests left today: {self.client.meter.remaining:,}")
        return summary

    # reference data -------------------------------------------------------------------------

    def _reference(self) -> None:
        """Custom fields, employees, groups, templates, data tags, directories."""
        self._custom_fields("contact")
        if "tasks" not in self.settings.skip:
            self._custom_fields("task")
        self._note_schema_changes()
        self._list(
            "users",
            "all",
            api.ListCall(
                "user/list",
                ("users",),
                {"onlyActive": False, "fields": api.joined(api.USER_FIELDS)},
            ),
        )
        self._get("contact_groups", "contact/groups", "groups", {"fields": "id,name"}, "all")
        for kind in KINDS:
            self._list(
                "contact_templates",
                PASSES[kind],
                api.ListCall(
                    "contact/templates",
                    ("templates",),
                    {"isCompany": "true" if kind == "company" else "false", "fields": "id,name"},
                    method="GET",
                ),
            )
        if "data_tags" not in self.settings.skip:
            self._optional("data_tags", self._data_tags)
        if "directories" not in self.settings.skip:
            self._optional("directories", self._directories)

    def _optional(self, name: str, work: Callable[[], None]) -> None:
        """Does without an object that the account's API does not have; never without a right."""
        try:
            work()
        except PlanfixRefusal as error:
            if error.kind == "missing" or (error.kind == "input" and error.status in {404, 405}):
                self.context.check(
                    name, None, None, "unknown", "the account's API has no such call"
                )
                return
            raise self._named(error, name) from None

    @staticmethod
    def _named(error: PlanfixRefusal, name: str) -> SourceError:
        if error.kind not in {"scope", "rights"}:
            return error
        return SourceError(f"{error}. To go on without them on purpose: PLANFIX_SKIP={name}.")

    def _get(
        self,
        stage: str,
        path: str,
        key: str,
        params: dict[str, Any],
        unit: str,
        expect: type = list,
    ) -> Any:
        """Fetches what comes on one page by GET."""
        stored = self.spool.page(stage, unit, "0")
        if stored:
            body = parse_json(stored.body) if stored.body else {}
            return body.get(key)
        reply = self.client.get(path, key, params, expect=expect)
        rows = reply.payload if isinstance(reply.payload, list) else [reply.payload]
        rows = [row for row in rows if isinstance(row, dict)]
        items = [item for item in map(describe_by(stage, unit), rows) if item]
        self.spool.add_page(stage, unit, "0", reply.content, reply.received_at, items, rows)
        self.context.add_floor(1)
        return reply.payload

    def _list(self, stage: str, unit: str, call: api.ListCall, verify: str = "empty") -> Walked:
        """Fetches a paged list."""
        was_done = self.spool.state(stage, unit) == "done"
        walked = self.pager.walk(stage, unit, call, describe_by(stage, unit), verify=verify)
        if not was_done:
            self.context.add_floor(max(1, math.ceil(walked.listed / self.pager.page_size)))
        return walked

    def _rows(self, stage: str, keys: Iterable[str]) -> Iterator[Row]:
        for page in self.spool.pages(stage):
            yield from rows_of(parse_json(page.body), keys)

    def _custom_fields(self, kind: str) -> list[Row]:
        rows = self._get(
            "custom_fields",
            f"customfield/{kind}",
            "customfields",
            {"fields": api.joined(api.CUSTOM_FIELD_FIELDS)},
            kind,
        )
        ids = sorted({i for i in (api.reference_id(row) for row in rows or []) if i is not None})
        if self.spool.get(f"fields:{kind}") is None:
            self.spool.put(f"fields:{kind}", ids)
        return list(rows or [])

    def _field_ids(self, kind: str) -> list[int]:
        return list(self.spool.get(f"fields:{kind}") or [])

    def _note_schema_changes(self) -> None:
        """Compares the account's custom fields with those of the last run."""
        before = self.context.raw.custom_fields()
        if not before:
            return
        gone = self.context.raw.removed_fields()
        now: dict[tuple[int, int], tuple[str, int | None]] = {}
        for unit in ("contact", "task"):
            page = self.spool.page("custom_fields", unit, "0")
            for row in rows_of(parse_json(page.body), ("customfields",)) if page else []:
                number = api.reference_id(row)
                if number is None:
                    continue
                default = api.OBJECT_TASK if unit == "task" else api.OBJECT_CONTACT
                kind = row.get("objectType")
                key = (kind if isinstance(kind, int) else default, number)
                now[key] = (str(row.get("name") or ""), api.reference_id(row.get("type")))
        changes: list[dict[str, Any]] = []

        def note(key: tuple[int, int], change: str, old: str | None, new: str | None) -> None:
            changes.append(
                {
                    "run_id": self.plan.run_id,
                    "field_id": key[1],
                    "object_type": key[0],
                    "change": change,
                    "before": old,
                    "after": new,
                    "noticed_at": datetime.now(UTC).isoformat(),
                }
            )

        for key, (name, kind_of) in now.items():
            if key not in before or key in gone:
                note(key, "added", None, name)
                continue
            old_name, old_kind = before[key]
            if name != old_name:
                note(key, "renamed", old_name, name)
            if kind_of != old_kind:
                note(key, "retyped", str(old_kind), str(kind_of))
        kinds = {key[0] for key in now}
        for key, (name, _) in before.items():
            if key[0] in kinds and key not in now and key not in gone:
                note(key, "removed", name, None)
        self.spool.put("schema_changes", changes)
        if changes:
            self.context.lines.append(
                f"{len(changes)} changes of custom fields at the source: {SCHEMA}.schema_changes"
            )

    def _data_tags(self) -> None:
        self._list(
            "data_tags",
            "all",
            api.ListCall("datatag/list", ("dataTags",), {"fields": "id,name,group,fields"}),
        )
        for row in list(self._rows("data_tags", ("dataTags",))):
            number = api.reference_id(row)
            own = [i for i in map(api.reference_id, row.get("fields") or []) if i is not None]
            if number is None:
                continue
            self._list(
                "data_tag_entries",
                f"tag:{number}",
                api.ListCall(
                    f"datatag/{number}/entry/list",
                    ("dataTagEntries",),
                    {"fields": api.joined([*api.DATA_TAG_ENTRY_FIELDS, *own])},
                    row_id=lambda entry: api.reference_id(entry.get("key")),
                ),
            )

    def _directories(self) -> None:
        self._list(
            "directories",
            "all",
            api.ListCall(
                "directory/list", ("directories", "directory"), {"fields": "id,name,group,fields"}
            ),
        )
        for row in list(self._rows("directories", ("directories", "directory"))):
            number = api.reference_id(row)
            own = [i for i in map(api.reference_id, row.get("fields") or []) if i is not None]
            if number is None:
                continue
            self._list(
                "directory_entries",
                f"directory:{number}",
                api.ListCall(
                    f"directory/{number}/entry/list",
                    ("directoryEntries",),
                    {
                        "fields": api.joined([*api.DIRECTORY_ENTRY_FIELDS, *own]),
                        "entriesOnly": True,
                    },
                    row_id=lambda entry: api.reference_id(entry.get("key")),
                ),
            )

    # contacts -------------------------------------------------------------------------------

    def contact_fields(self) -> str:
        """Returns the `fields` value for whole contacts."""
        return api.joined([*api.CONTACT_FIELDS, *self._field_ids("contact")])

    def contact_call(
        self, kind: str, filters: Iterable[Row] = (), fields: str = "", filter_id: str = ""
    ) -> api.ListCall:
        """Returns the list call of one pass."""
        return api.contact_list(
            is_company=kind == "company",
            fields=fields or self.contact_fields(),
            filters=filters,
            filter_id=filter_id,
            kind_filter=self.profile.kind_filter,
        )

    def _all_contacts(self) -> None:
        for kind in KINDS:
            walked = self._walk_contacts("contacts", PASSES[kind], kind)
            self.context.add_floor(max(1, math.ceil(walked.listed / self.pager.page_size)))
        self._note_order()

    def _walk_contacts(self, stage: str, unit: str, kind: str, fields: str = "") -> Walked:
        describe = describe_contact(kind)
        while True:
            call = self.contact_call(kind, fields=fields)
            try:
                walked = self.pager.walk(stage, unit, call, describe)
                break
            except PlanfixRefusal as error:
                if error.kind != "input" or not self._asks_for_less(call):
                    raise
        if walked.unstable:
            from loaders.planfix.windows import walk_by_creation

            try:
                walked = walk_by_creation(self, stage, unit, kind, fields)
            except (Unfiltered, PlanfixRefusal) as error:
                if isinstance(error, PlanfixRefusal) and error.kind != "input":
                    raise
            self.spool.mark(stage, unit, "done", vars(walked))
        return walked

    def _asks_for_less(self, call: api.ListCall) -> bool:
        """Drops what an account may refuse in a contact list; false when nothing is left."""
        if self.profile.kind_filter:
            # an account whose API does not know filters 4006 and 4007
            self.profile.kind_filter = False
            return True
        if not self.pager.field_limit and call.body["fields"].count(",") >= NAMES_PER_CALL:
            # a bound on the length of `fields`
            self.profile.kind_filter = True
            self.pager.field_limit = self.profile.field_limit = NAMES_PER_CALL
            return True
        return False

    def _note_order(self) -> None:
        page = next(self.spool.pages("contacts"), None)
        if page is None:
            return
        rows = rows_of(parse_json(page.body), ("contacts",))
        ids = [api.reference_id(row) or 0 for row in rows]
        if len(ids) > 2:
            self.profile.list_order = (
                "ascending id"
                if ids == sorted(ids)
                else "descending id"
                if ids == sorted(ids, reverse=True)
                else "other"
            )
        names = {name for row in rows for name in row}
        self.profile.details_in_list = [n for n in api.CONTACT_DETAILS if n in names]
        self.profile.page_cap = max(self.profile.page_cap, self.pager.cap)

    def _load_known(self) -> None:
        gone = self.context.raw.gone_contacts()
        self.spool.set_known(row for row in self.context.raw.known_contacts() if row[0] not in gone)

    def _recheck(self) -> None:
        """Fetches what changed while a full run was reading, which may have been days."""
        self._delta(self.plan.started_at - OVERLAP, "recheck")

    def _changed_contacts(self) -> None:
        start = self.plan.window_from or self.plan.started_at
        self._delta(start, DELTA)
        for change in self.spool.get("schema_changes") or []:
            # no contact counts as changed because a field of it was
            if change["object_type"] == api.OBJECT_CONTACT and change["change"] != "removed":
                self.fetch_field(int(change["field_id"]))

    def _delta(self, start: datetime, name: str) -> None:
        from loaders.planfix.delta import Delta

        Delta(self, name, start).fetch()

    # tasks ----------------------------------------------------------------------------------

    def _tasks(self) -> None:
        if "tasks" in self.settings.skip:
            return
        try:
            self._walk_tasks()
        except PlanfixRefusal as error:
            raise self._named(error, "tasks") from None

    def task_call(self, filters: Iterable[Row] = ()) -> api.ListCall:
        """Returns the list call of tasks."""
        every = list(filters)
        if self.settings.task_templates:
            templates: Any = list(self.settings.task_templates)
            every.append(
                {
                    "type": api.FILTER_TASK_TEMPLATE,
                    "operator": "equal",
                    "value": templates if len(templates) > 1 else templates[0],
                }
            )
        fields = api.joined([*api.TASK_FIELDS, *self._field_ids("task")])
        return api.ListCall("task/list", ("tasks",), {"filters": every, "fields": fields})

    def _walk_tasks(self) -> None:
        is_delta = self.plan.mode == DELTA and self.plan.window_from is not None
        walked = None
        if is_delta and self.plan.window_from:
            walked = self._changed_tasks(self.plan.window_from)
        if walked is None:
            self._list("tasks", "all", self.task_call())
        counting = self.task_call()
        counting.body["fields"] = "id"
        have = self._tasks_held(is_delta)
        counted = self.pager.count("count tasks", counting, have)
        self.context.add_floor(2)
        if counted > have:
            # a filter that finds nothing, or a page that said less than there was
            self.pager.walk("tasks", "again", self.task_call(), describe_by("tasks", "again"))
            have = self._tasks_held(is_delta)
        self.context.check("tasks", counted, have)

    def _tasks_held(self, with_raw: bool) -> int:
        """Counts the tasks of this run and, in a delta, of the runs before."""
        here = [int(item.id) for item in self.spool.items("tasks")]
        return len(here) + (self.context.raw.count_other_tasks(here) if with_raw else 0)

    def _changed_tasks(self, start: datetime) -> Walked | None:
        zone = known_zone(self.settings, self.profile)
        # the contacts' window, up to this moment
        noted = self.spool.get(f"window:{DELTA}")
        end = datetime.fromisoformat(noted[2]) if noted else self.client.now() + MINUTE
        window = zone.window(start, end)
        least = start - zone.slack(start)

        def check(rows: Sequence[Row]) -> None:
            for row in rows:
                moments = [parse_instant(row.get(name)) for name in TASK_MOMENTS]
                known = [moment for moment in moments if moment]
                if known and max(known) < least:
                    raise Unfiltered

        kind = api.FILTER_TASK_CHANGED_OR_COMMENTED
        if not self._task_filter_works(kind):
            return None
        call = self.task_call([api.date_filter(kind, window)])
        unit = f"changed:{window[0]}..{window[1]}"
        try:
            walked = self.pager.walk(
                "tasks", unit, call, describe_by("tasks", unit), check=check, verify="end"
            )
        except Unfiltered:
            self.profile.task_filter = IGNORED
            return None
        except PlanfixRefusal as error:
            if error.kind != "input":
                raise
            self.profile.task_filter = REFUSED
            return None
        self.profile.task_filter = HONOURED
        self.context.add_floor(max(1, math.ceil(walked.listed / self.pager.page_size)))
        return walked

    def _task_filter_works(self, kind: int) -> bool:
        """Asks the filter for one task whose last change is known: does it find it?"""
        zone = known_zone(self.settings, self.profile)
        samples = self.context.raw.task_samples()
        for number, payload in samples:
            known = [parse_instant(payload.get(name)) for name in TASK_MOMENTS]
            moments = [moment for moment in known if moment]
            if not moments:
                continue
            window = zone.window(max(moments) - MINUTE, max(moments) + MINUTE)
            call = self.task_call([api.date_filter(kind, window), api.task_number_filter(number)])
            call.body["fields"] = "id"
            try:
                rows = self.pager.ask("task filter", call)
            except PlanfixRefusal as error:
                if error.kind != "input":
                    raise
                self.profile.task_filter = REFUSED
                return False
            if number in {api.reference_id(row) for row in rows}:
                return True
        # one that changed meanwhile is not found either: two are no accident
        if len(samples) > 1:
            self.profile.task_filter = IGNORED
            return False
        return True

    # completeness ---------------------------------------------------------------------------

    def _count(self) -> None:
        """Counts at the source and compares; a difference leads to a sweep."""
        counts = {}
        for kind in KINDS:
            call = self.contact_call(kind, fields="id")
            counts[kind] = self.pager.count("count", call, self._expected(kind))
            self.context.add_floor(2)
        self.spool.put("counts", counts)

    def _expected(self, kind: str) -> int:
        if self.plan.mode == FULL:
            return self.spool.item_count("contacts", kind)
        row = self.spool.query(
            "select count(*) from (select id from known where kind = ? union "
            "select id from item where stage = 'contacts' and kind = ?)",
            [kind, kind],
        )
        return int(row[0][0])

    def _finish(self) -> None:
        """Sweeps where needed and writes the audit."""
        context = self.context
        counts: dict[str, int] = self.spool.get("counts") or {}
        expected = {kind: self._expected(kind) for kind in KINDS}
        agrees = counts == expected
        if not self._may_skip_sweep(agrees):
            context.once("sweep", self._sweep)
        elif self.plan.mode == FULL:
            # every page was seen, in order, and the counts agree: that was a sweep
            gone = self._deleted_ids("contacts")
            is_complete = not self._is_suspicious("contacts")
            self._note_sweep("contacts", self.plan.started_at, is_complete, gone)
        if "tasks" not in self.settings.skip:
            context.once("tasks of gone contacts", self._tasks_of_gone)
        context.once("audit", self._audit)

    def _tasks_of_gone(self) -> None:
        """Fetches tasks whose counterparty is gone: a merge gives them to the survivor."""
        swept = self.spool.get("sweep") or {}
        if not swept.get("is_complete"):
            return
        gone = self.spool.query(
            "select id from known as k where not exists (select 1 from item as s "
            "where s.stage = ? and s.id = k.id and not s.is_deleted)",
            [swept["stage"]],
        )
        numbers = sorted(self.context.raw.tasks_of_contacts([row[0] for row in gone]))
        for start in range(0, len(numbers), NUMBERS_PER_CALL):
            part = numbers[start : start + NUMBERS_PER_CALL]
            unit = f"gone:{part[0]}-{part[-1]}"
            wanted = set(part)

            def check(rows: Sequence[Row], wanted: set[int] = wanted) -> None:
                if any(api.reference_id(row) not in wanted for row in rows):
                    raise Unfiltered

            call = self.task_call([api.task_number_filter(part)])
            try:
                self.pager.get_page(
                    "tasks", unit, "0", call, 0, describe_by("tasks", unit), check=check
                )
            except (Unfiltered, PlanfixRefusal) as error:
                if isinstance(error, PlanfixRefusal) and error.kind != "input":
                    raise
                self.context.lines.append(
                    f"{len(numbers):,} tasks of gone contacts could not be asked for by number: "
                    "a full run brings their new counterparties"
                )
                return
            self.context.add_floor(1)

    def _may_skip_sweep(self, agrees: bool) -> bool:
        if self.plan.mode == FULL:
            moved = any(
                (self.spool.note("contacts", PASSES[kind]) or {}).get("unstable") for kind in KINDS
            )
            return agrees and not moved
        last = self.context.raw.last_sweep()
        fresh = last and self.client.now() - last < timedelta(days=self.settings.sweep_days)
        # where deleted contacts stay in the list, a count says nothing about them
        return bool(agrees and fresh and self.profile.deleted_in_list == HIDDEN)

    def _sweep(self) -> None:
        """Lists every id; only a complete list may say that something is gone."""
        started = self.client.now()
        complete = False
        for attempt in (1, 2, 3):
            stage = f"sweep{attempt}"
            walks = [
                self._walk_contacts(stage, PASSES[k], k, api.joined(api.SWEEP_FIELDS))
                for k in KINDS
            ]
            listed = sum(walked.listed for walked in walks)
            seen = self.spool.item_count(stage)
            self.context.add_floor(
                sum(max(1, math.ceil(w.listed / self.pager.page_size)) for w in walks)
            )
            complete = seen >= listed and not any(walked.unstable for walked in walks)
            if complete:
                break
        left_out = self._deleted_ids(stage)
        missing = [
            row
            for row in self.spool.query(
                "select s.id, s.kind from item as s where s.stage = ? "
                "and not exists (select 1 from item as c where c.stage = 'contacts' "
                "and c.id = s.id) and not exists (select 1 from known as k where k.id = s.id)",
                [stage],
            )
            if row[0] not in left_out
        ]
        if missing:
            self.fetch_numbers("missing", missing)
        if complete and self._is_suspicious(stage):
            complete = False
        self._note_sweep(stage, started, complete, left_out)

    def _deleted_ids(self, stage: str) -> set[int]:
        """Returns the ids that the list shows as deleted, and learns whether it shows any."""
        rows = self.spool.query("select id from item where stage = ? and is_deleted", [stage])
        found = {int(row[0]) for row in rows}
        if found:
            self.profile.deleted_in_list = SHOWN
        elif self.plan.mode == FULL and self.profile.deleted_in_list == UNKNOWN:
            # a whole account without a single one
            self.profile.deleted_in_list = HIDDEN
        return found

    def _is_suspicious(self, stage: str) -> bool:
        """Tells whether a list lacks more of the contacts in the database than a day explains."""
        known = gone = 0
        before = self.context.raw.gone_contacts()
        batch: list[int] = []
        for number in itertools.chain((row[0] for row in self.context.raw.known_contacts()), [0]):
            if number and number not in before:
                batch.append(number)
            if batch and (not number or len(batch) >= 5_000):
                known += len(batch)
                gone += len(batch) - len(self.spool.newest(stage, batch))
                batch = []
        if gone and self.profile.deleted_in_list != SHOWN:
            self.profile.deleted_in_list = HIDDEN
        if self.context.accept_drop or gone < max(SUSPICIOUS_LEAST, known * SUSPICIOUS_DROP):
            return False
        self.context.check(
            "id_sweep",
            known,
            known - gone,
            "short",
            f"{gone} of {known} known contacts are not listed any more: more than a normal day "
            "explains. If they are really gone, run again with --accept-drop.",
        )
        return True

    def _note_sweep(
        self, stage: str, started: datetime, is_complete: bool, left_out: set[int]
    ) -> None:
        self.spool.put(
            "sweep",
            {
                "sweep_id": f"{self.plan.run_id}-sweep",
                "stage": stage,
                "started_at": started.isoformat(),
                "finished_at": self.client.now().isoformat(),
                "is_complete": is_complete,
                "ids_seen": self.spool.item_count(stage) - len(left_out),
                "left_out": sorted(left_out),
            },
        )

    def fetch_numbers(self, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Fetches whole contacts by number: a hundred at a time, else one by one."""
        for kind in KINDS:
            numbers = [row[0] for row in rows if row[1] == kind]
            for start in range(0, len(numbers), NUMBERS_PER_CALL):
                part = numbers[start : start + NUMBERS_PER_CALL]
                unit = f"{PASSES[kind]}:{name}:{part[0]}-{part[-1]}"
                if self.spool.state("contacts", unit) == "done":
                    continue
                missing = set(part)
                if self.profile.number_filter not in {IGNORED, REFUSED}:
                    missing -= self._numbers_in_one(unit, kind, part)
                for number in sorted(missing):
                    self._one_contact(number, kind)
                self.spool.mark("contacts", unit)
                self.context.add_floor(1)

    def _numbers_in_one(self, unit: str, kind: str, part: list[int]) -> set[int]:
        wanted = set(part)

        def check(found: Sequence[Row]) -> None:
            if any(api.reference_id(row) not in wanted for row in found):
                raise Unfiltered

        call = self.contact_call(kind, [api.number_filter(part)])
        try:
            rows = self.pager.get_page(
                "contacts", unit, "0", call, 0, describe_contact(kind), check=check
            )
        except Unfiltered:
            self.profile.number_filter = IGNORED
            return set()
        except PlanfixRefusal as error:
            if error.kind != "input":
                raise
            self.profile.number_filter = REFUSED
            return set()
        if rows:
            self.profile.number_filter = HONOURED
        return {number for number in map(api.reference_id, rows) if number is not None}

    def _one_contact(self, number: int, kind: str) -> None:
        unit = f"{PASSES[kind]}:one:{number}"
        if self.spool.page("contacts", unit, "0"):
            return
        try:
            reply = self.client.get(
                f"contact/{number}", "contact", {"fields": self.contact_fields()}, expect=dict
            )
        except PlanfixRefusal as error:
            # deleted since it was listed
            if error.kind in {"missing", "rights", "input"}:
                return
            raise
        item = describe_contact(kind)(reply.payload)
        self.spool.add_page(
            "contacts",
            unit,
            "0",
            reply.content,
            reply.received_at,
            [item] if item else [],
            [reply.payload],
        )

    def _audit(self) -> None:
        context = self.context
        counts: dict[str, int] = self.spool.get("counts") or {}
        swept = self.spool.get("sweep") or {}
        stage = swept.get("stage", "")
        for kind in KINDS:
            expected, loaded = counts.get(kind), self._expected(kind)
            if swept.get("is_complete") and stage != "contacts":
                # the sweep is later than the count and knows the ids: compare with it
                listed = (
                    "select count(*) from item as s where s.stage = ? and s.kind = ? "
                    "and not s.is_deleted"
                )
                expected = int(self.spool.query(listed, [stage, kind])[0][0])
                row = self.spool.query(
                    f"{listed} and ("
                    "exists (select 1 from item as c where c.stage = 'contacts' and c.id = s.id) "
                    "or exists (select 1 from known as k where k.id = s.id))",
                    [stage, kind],
                )
                loaded = int(row[0][0])
            context.check(PASSES[kind], expected, loaded)
        if swept and "id_sweep" not in context.audit:
            context.check(
                "id_sweep",
                None,
                swept["ids_seen"],
                "ok" if swept["is_complete"] else "short",
                "" if swept["is_complete"] else "the list moved too much to see every id",
            )
        if self.plan.mode == FULL:
            self._audit_fields()

    def _compare_with_raw(self) -> None:
        """Counts again in the database: what the audit calls loaded is what stands there."""
        context = self.context
        raw = context.raw
        with raw.many_questions():
            found = self._rows_in_raw()
        before = {name: dict(row) for name, row in context.audit.items()}
        for name, (expected, loaded) in found.items():
            detail = str((before.get(name) or {}).get("detail") or "")
            context.check(name, expected, loaded, detail=detail)
        raw.write_audit([context.audit[name] for name in found])

    def _rows_in_raw(self) -> dict[str, tuple[int | None, int]]:
        """Returns what is expected and what stands in the database, by object of the audit."""
        context, raw = self.context, self.context.raw
        swept = self.spool.get("sweep") or {}
        found: dict[str, tuple[int | None, int]] = {}
        if swept.get("is_complete") and swept["stage"] != "contacts":
            kinds = raw.swept_contacts(swept["sweep_id"])
        elif self.plan.mode == FULL:
            kinds = raw.contacts_of_run(self.plan.run_id)
        else:
            kinds = raw.present_contacts()
        for kind in KINDS:
            noted = context.audit.get(PASSES[kind])
            if noted:
                found[PASSES[kind]] = (noted["expected"], kinds.get(kind, 0))
        for name in self._tables():
            table = tables.TABLES[name]
            # rows of comments that hang on neither card nor wanted task are left out
            wanted = {"contact_comments": CARD, "task_comments": TASK}.get(name)
            fetched = self.spool.item_count(table.stage, wanted)
            loaded = raw.rows_of_run(name, self.plan.run_id)
            if name in context.audit:
                if loaded < fetched:
                    found[name] = (fetched, loaded)
            elif name != "contacts" and fetched:
                found[name] = (fetched, loaded)
        return found

    def _audit_fields(self) -> None:
        """Checks that every requested name came back at least once."""
        seen = self.spool.names("contacts")
        if not self.spool.item_count("contacts"):
            return
        for name in (*api.CONTACT_PLAIN, *api.CONTACT_OBJECTS, *self._field_ids("contact")):
            if str(name) in seen:
                continue
            if name in api.CONTACT_VITAL:
                verdict = "missing_field"
                detail = "the list never returned this name"
            else:
                verdict = "unknown"
                detail = "no contact carries a value, or the list does not know the name"
            self.context.check(f"contacts.{name}", None, 0, verdict, detail)

    def _fields_again(self) -> None:
        """Fetches a custom field that appeared while the run was busy."""
        if self.client.now() - self.plan.started_at < timedelta(minutes=10):
            return
        reply = self.client.get(
            "customfield/contact",
            "customfields",
            {"fields": api.joined(api.CUSTOM_FIELD_FIELDS)},
        )
        now = {i for i in map(api.reference_id, reply.payload) if i is not None}
        added = sorted(now - set(self._field_ids("contact")))
        self.context.add_floor(1)
        if not added:
            return
        rows = [row for row in reply.payload if isinstance(row, dict)]
        items = [item for item in map(describe_by("custom_fields", "contact"), rows) if item]
        self.spool.add_page(
            "custom_fields", "contact", "again", reply.content, reply.received_at, items, rows
        )
        self.spool.put("fields:contact", sorted(now))
        self._note_schema_changes()
        for number in added:
            self.fetch_field(number)

    def fetch_field(self, number: int) -> None:
        """Fetches the contacts that carry a custom field that is new or was changed."""
        has = {"type": api.FILTER_HAS_VALUE, "operator": "equal", "value": number}
        for kind in KINDS:
            unit = f"{PASSES[kind]}:field:{number}"
            describe = describe_contact(kind)
            try:
                walked = self.pager.walk("contacts", unit, self.contact_call(kind, [has]), describe)
            except PlanfixRefusal as error:
                if error.kind != "input":
                    raise
                # no such filter: all of them, once for all fields
                walked = self._walk_contacts("contacts", f"{PASSES[kind]}:fields", kind)
            self.context.add_floor(max(1, math.ceil(walked.listed / self.pager.page_size)))


def _operator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
