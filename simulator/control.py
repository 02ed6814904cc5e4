"""The control endpoint under `/__simulator__/`: switches, edits, deletes, counters, clock, plan.

Only tests use it; Planfix has nothing like it. `docs/simulator.md` lists the calls.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from simulator.api import Api, Clock, Reply
from simulator.disturbances import Disturbances, Step
from simulator.generator import DAY
from simulator.model import Account, Comment, Contact, CustomField, Task, Trip
from simulator.switches import SwitchError, Switches

LOG_SIZE = 200_000

#: names of the API and the attribute that holds them
_SETTABLE = {
    "name": "name",
    "midname": "midname",
    "lastname": "lastname",
    "gender": "gender",
    "description": "description",
    "address": "address",
    "site": "site",
    "email": "email",
    "additionalEmailAddresses": "more_emails",
    "skype": "skype",
    "telegramId": "telegram_id",
    "telegram": "telegram",
    "facebook": "facebook",
    "instagram": "instagram",
    "viberId": "viber_id",
    "position": "position",
    "group": "group_id",
    "template": "template_id",
    "languageCode": "language_code",
    "timezone": "timezone",
}


@dataclass
class LogEntry:
    """One request as the simulator saw it."""

    number: int
    method: str
    path: str
    status: int
    fault: str
    milliseconds: float
    body: str


@dataclass
class Control:
    """State of one simulator beside its account."""

    account: Account
    switches: Switches
    clock: Clock
    api: Api
    disturbances: Disturbances
    is_sample: bool = False
    requests: int = 0
    by_path: Counter[str] = field(default_factory=Counter)
    by_status: Counter[int] = field(default_factory=Counter)
    most_at_once: int = 0
    log: deque[LogEntry] = field(default_factory=lambda: deque(maxlen=LOG_SIZE))

    # reading ----------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Describes account, traffic, limits and switches."""
        account = self.account
        with self.api.lock:
            visible = self.api.contacts()
            companies = sum(contact.is_company for contact in visible)
            live = sum(not contact.is_deleted for contact in account.contacts)
            notes = [c for c in account.comments if c.contact_id and not c.is_deleted]
            task_notes = [
                c for c in account.comments if c.task_id and not c.is_deleted and not c.is_technical
            ]
            tasks = sum(not task.is_deleted for task in account.tasks)
            counts = {
                "records": len(account.contacts),
                "live": live,
                "deleted": len(account.contacts) - live,
                "visible_people": len(visible) - companies,
                "visible_companies": companies,
                "contact_comments": len(notes),
                "contacts_with_comments": len({c.contact_id for c in notes}),
                "task_comments": len(task_notes),
                "tasks": tasks,
                "data_tag_entries": len(account.tag_entries),
                "users": sum(not user.is_deleted for user in account.users),
            }
        return {
            "account": account.name,
            "size": account.size,
            "seed": account.seed,
            "anchor": account.anchor,
            "now": self.clock.now(),
            "version": account.version,
            "is_sample": self.is_sample,
            "counts": counts,
            "floor": self.floor(counts),
            "requests": {
                "total": self.requests,
                "by_path": dict(self.by_path),
                "by_status": {str(k): v for k, v in self.by_status.items()},
                "refused": self.disturbances.refused,
                "faults": dict(self.disturbances.faults),
                "most_at_once": self.most_at_once,
            },
            "quota": {
                "used": self.disturbances.used_today,
                "limit": int(self.switches.number("quota_limit")),
                "seconds_to_reset": self.disturbances.seconds_to_reset(),
            },
            "plan": [
                {"path": s.path.pattern, "at": s.at, "seen": s.seen, "fired": s.fired}
                for s in self.disturbances.steps
            ],
            "switches": self.switches.as_dict(),
        }

    def floor(self, counts: dict[str, int]) -> dict[str, int]:
        """Returns the least requests a perfect client needs per object: full pages of 100.

        The page that shows the end counts too, as REST tells no total.
        """
        pages = {name: number // 100 + 1 for name, number in counts.items()}
        per_tag = Counter(entry.data_tag_id for entry in self.account.tag_entries)
        found = {
            "contacts": pages["visible_people"] + pages["visible_companies"],
            "contact_comments_global": (counts["contact_comments"] + counts["task_comments"]) // 100
            + 1,
            "contact_comments_one_by_one": counts["visible_people"] + counts["visible_companies"],
            "tasks": pages["tasks"],
            "task_comments_one_by_one": counts["tasks"],
            "users": pages["users"],
            "data_tags": 1,
            "data_tag_entries": sum(
                per_tag.get(tag, 0) // 100 + 1 for tag in self.account.data_tags
            ),
            "directories": 1,
            "directory_entries": len(self.account.directories),
            "contact_groups": 1,
            "contact_templates": 2,
            "custom_fields": 2,
        }
        found["full_extract"] = sum(
            number for name, number in found.items() if not name.endswith("_one_by_one")
        )
        return found

    def truth(self, *, live_only: bool = False) -> str:
        """Returns the ground truth as CSV."""
        out = io.StringIO()
        write_truth(self.account, out, live_only=live_only)
        return out.getvalue()

    # acting -----------------------------------------------------------------------------------

    def act(self, name: str, args: dict[str, Any]) -> dict[str, Any]:
        """Runs one action; returns what it did.

        Raises:
            SwitchError: unknown action or malformed arguments.
        """
        action = ACTIONS.get(name)
        if action is None:
            raise SwitchError(f"there is no action {name}; known: {', '.join(ACTIONS)}")
        try:
            with self.api.lock:
                return action(self, args)
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, SwitchError):
                raise
            raise SwitchError(f"{name}: malformed arguments ({error!r})") from error

    def _contacts(self, args: dict[str, Any]) -> list[Contact]:
        numbers = args.get("ids", args.get("id"))
        numbers = numbers if isinstance(numbers, list) else [numbers]
        found = []
        for number in numbers:
            contact = self.account.contact(int(number))
            if contact is None:
                raise SwitchError(f"there is no contact {number}")
            found.append(contact)
        return found

    def _touch(self, contact: Contact, args: dict[str, Any]) -> None:
        if args.get("silent") and not self.switches.is_on("silent_touches_contact"):
            return
        contact.updated = int(args.get("at") or self.clock.now())

    def _changed(self) -> None:
        self.account.version += 1

    def switch(self, args: dict[str, Any]) -> dict[str, Any]:
        """Sets switches: `{name: value, …}`."""
        for name, value in args.items():
            self.switches.set(name, value)
            if name == "quota_reset_seconds":
                self.disturbances.restart_day()
        return self.switches.as_dict()

    def edit(self, args: dict[str, Any]) -> dict[str, Any]:
        """Edits records: `{id|ids, set: {name|custom field id: value}, silent?, at?}`."""
        found = self._contacts(args)
        for contact in found:
            for name, value in dict(args.get("set", {})).items():
                self._set(contact, str(name), value)
            self._touch(contact, args)
        self._changed()
        return {"edited": [contact.id for contact in found]}

    def _set(self, contact: Contact, name: str, value: Any) -> None:
        if name.isdigit():
            if value is None:
                contact.custom.pop(int(name), None)
            else:
                contact.custom[int(name)] = value
        elif name == "phones":
            contact.phones = tuple(
                (p, 1) if isinstance(p, str) else (p["number"], int(p.get("type", 1)))
                for p in value
            )
        elif name == "companies":
            companies = tuple(self._contacts({"ids": value})) if value else ()
            for company in contact.companies:
                if company.people:
                    company.people.remove(contact)
            for company in companies:
                company.people = [*(company.people or []), contact]
            contact.companies = companies
        elif name == "supervisors":
            contact.supervisors = tuple(int(number) for number in value)
        elif name == "birthDate":
            contact.birth_date = dt.date.fromisoformat(value).toordinal() if value else 0
        elif name == "createdDate":
            contact.created = int(value)
        elif name in _SETTABLE:
            setattr(contact, _SETTABLE[name], tuple(value) if isinstance(value, list) else value)
        else:
            raise SwitchError(f"{name} cannot be set")

    def add(self, args: dict[str, Any]) -> dict[str, Any]:
        """Adds records: `{count?, isCompany?, entity?, at?, set: {…}}`."""
        added = []
        for _ in range(int(args.get("count", 1))):
            now = int(args.get("at") or self.clock.now())
            is_company = bool(args.get("isCompany", False))
            number = len(self.account.contacts) + 1
            entity = str(args.get("entity") or f"{'c' if is_company else 'p'}added{number}")
            contact = Contact(is_company=is_company, entity=entity, created=now)
            contact.name = "Новая компания" if is_company else "Новый"
            contact.lastname = "" if is_company else f"Добавлен{number}"
            self.account.add_contact(contact)
            for name, value in dict(args.get("set", {})).items():
                self._set(contact, str(name), value)
            contact.updated = now
            added.append(contact.id)
        self._changed()
        return {"added": added}

    def delete(self, args: dict[str, Any]) -> dict[str, Any]:
        """Deletes records: `{id|ids}`."""
        found = self._contacts(args)
        for contact in found:
            contact.is_deleted = True
            self._touch(contact, args)
        self._changed()
        return {"deleted": [contact.id for contact in found]}

    def restore(self, args: dict[str, Any]) -> dict[str, Any]:
        """Brings deleted records back: `{id|ids}`."""
        found = self._contacts(args)
        for contact in found:
            contact.is_deleted = False
            contact.merged_into = 0
            self._touch(contact, args)
        self._changed()
        return {"restored": [contact.id for contact in found]}

    def merge(self, args: dict[str, Any]) -> dict[str, Any]:
        """Merges one record into another: `{survivor, loser}`; phones, mails and tasks move."""
        survivor, loser = self._contacts({"ids": [args["survivor"], args["loser"]]})
        known = {text for text, _ in survivor.phones}
        survivor.phones += tuple(phone for phone in loser.phones if phone[0] not in known)
        mails = [mail for mail in (loser.email, *loser.more_emails) if mail]
        if not survivor.email and mails:
            survivor.email = mails.pop(0)
        survivor.more_emails += tuple(m for m in mails if m not in survivor.more_emails)
        for task in self.account.tasks:
            if task.counterparty is loser:
                task.counterparty = survivor
        loser.is_deleted = True
        loser.merged_into = survivor.id
        loser.entity = survivor.entity
        self._touch(survivor, args)
        self._touch(loser, args)
        self._changed()
        return {"survivor": survivor.id, "loser": loser.id}

    def comment(self, args: dict[str, Any]) -> dict[str, Any]:
        """Adds a note: `{contact_id|task_id, text, owner?, at?}`."""
        at = int(args.get("at") or self.clock.now())
        contact_id, task_id = int(args.get("contact_id", 0)), int(args.get("task_id", 0))
        comment = Comment(contact_id, task_id, at, int(args.get("owner", 2)), str(args["text"]))
        comment.is_unread = bool(args.get("unread", False))
        self.account.add_comment(comment)
        if contact_id and self.switches.is_on("comment_touches_contact"):
            self._touch(self._contacts({"id": contact_id})[0], args)
        task = self.account.task(task_id) if task_id else None
        if task is not None:
            task.updated = at
        self._changed()
        return {"id": comment.id}

    def edit_comment(self, args: dict[str, Any]) -> dict[str, Any]:
        """Edits or deletes a note: `{id, text?, is_deleted?}`."""
        number = int(args["id"])
        found = next((c for c in self.account.comments if c.id == number), None)
        if found is None:
            raise SwitchError(f"there is no comment {number}")
        if "text" in args:
            found.text = str(args["text"])
        found.is_deleted = bool(args.get("is_deleted", found.is_deleted))
        self._changed()
        return {"id": number}

    def trip(self, args: dict[str, Any]) -> dict[str, Any]:
        """Adds a trip task: `{contact_id, pickup, from?, to?, passenger?, phone?, email?}`."""
        contact = self._contacts({"id": args["contact_id"]})[0]
        now = int(args.get("at") or self.clock.now())
        trip = Trip(contact, int(args.get("pickup", now + DAY)), now)
        trip.from_place = str(args.get("from", "SVO Шереметьево"))
        trip.to_place = str(args.get("to", "Москва, ул. Садовая, 1"))
        trip.passenger = str(args.get("passenger", contact.full_name))
        trip.phone, trip.email = str(args.get("phone", "")), str(args.get("email", ""))
        task = Task(trip, 2)
        task.id = self.account.tasks[-1].id + 1 if self.account.tasks else 70_000
        self.account.add_task(task)
        self._changed()
        return {"id": task.id}

    def field(self, args: dict[str, Any]) -> dict[str, Any]:
        """Changes the set of custom fields.

        `{change: add|rename|retype|remove, id, name?, type?, object_type?, value?, every?}`; an
        added field gets `value` on every n-th record.
        """
        change, number = args["change"], int(args["id"])
        if change == "add":
            self.account.custom_fields[number] = CustomField(
                number, str(args["name"]), int(args.get("type", 0)), int(args.get("object_type", 1))
            )
            if "value" in args:
                for contact in self.account.contacts[:: int(args.get("every", 3))]:
                    contact.custom[number] = args["value"]
        else:
            found = self.account.custom_fields[number]
            if change == "rename":
                found.name = str(args["name"])
            elif change == "retype":
                found.type = int(args["type"])
            elif change == "remove":
                found.is_removed = True
            else:
                raise SwitchError("change takes add, rename, retype, remove")
        self._changed()
        return {"id": number}

    def hide(self, args: dict[str, Any]) -> dict[str, Any]:
        """Hides records by permission, or shows them: `{id|ids, hidden?}`."""
        found = self._contacts(args)
        for contact in found:
            contact.hidden = bool(args.get("hidden", True))
        self._changed()
        return {"hidden": [contact.id for contact in found if contact.hidden]}

    def plan(self, args: dict[str, Any]) -> dict[str, Any]:
        """Sets the scripted plan: `{steps: [{path, at, times?, every?, fault?, do?}]}`."""
        steps = [Step.parse(dict(step)) for step in args.get("steps", [])]
        if args.get("append"):
            steps = self.disturbances.steps + steps
        self.disturbances.steps = steps
        return {"steps": len(steps)}

    def quota(self, args: dict[str, Any]) -> dict[str, Any]:
        """Sets today's used requests, `{used}`, or starts the day again, `{}`."""
        if "used" in args:
            self.disturbances.set_quota_used(int(args["used"]))
        else:
            self.disturbances.restart_day()
        return {"used": self.disturbances.used_today}

    def set_clock(self, args: dict[str, Any]) -> dict[str, Any]:
        """Sets the clock: `{now: ISO or epoch}`, `{advance: seconds}` or `{real: true}`."""
        if args.get("real"):
            self.clock.set(None)
        if "now" in args:
            now = args["now"]
            if isinstance(now, str):
                moment = dt.datetime.fromisoformat(now)
                now = (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
            self.clock.set(float(now))
        if "advance" in args:
            self.clock.advance(float(args["advance"]))
        return {"now": self.clock.now()}

    def clear_log(self, args: dict[str, Any]) -> dict[str, Any]:
        """Forgets requests and counters."""
        self.log.clear()
        self.by_path.clear()
        self.by_status.clear()
        self.disturbances.faults.clear()
        self.disturbances.refused = 0
        self.requests = 0
        self.most_at_once = 0
        return {}

    def read_log(self, query: dict[str, str]) -> dict[str, Any]:
        """Returns the requests after `since`, at most `limit`, of paths that contain `path`."""
        since, limit = int(query.get("since", 0)), int(query.get("limit", 1000))
        part = query.get("path", "")
        rows = [e.__dict__ for e in self.log if e.number > since and part in e.path]
        return {"requests": rows[:limit], "total": self.requests}


Action = Callable[[Control, dict[str, Any]], dict[str, Any]]
ACTIONS: dict[str, Action] = {
    "switch": Control.switch,
    "edit": Control.edit,
    "add": Control.add,
    "delete": Control.delete,
    "restore": Control.restore,
    "merge": Control.merge,
    "comment": Control.comment,
    "edit_comment": Control.edit_comment,
    "trip": Control.trip,
    "field": Control.field,
    "hide": Control.hide,
    "plan": Control.plan,
    "quota": Control.quota,
    "clock": Control.set_clock,
    "clear_log": Control.clear_log,
}


def answer(control: Control, method: str, name: str, query: dict[str, str], body: Any) -> Reply:
    """Answers a request to the control endpoint."""
    if method == "GET":
        if name == "state":
            return Reply(200, control.state())
        if name == "log":
            return Reply(200, control.read_log(query))
        if name == "truth":
            text = control.truth(live_only=query.get("live") == "1")
            return Reply(200, text.encode(), {"Content-Type": "text/csv; charset=utf-8"})
        return Reply(404, {"error": f"there is no {name}"})
    try:
        return Reply(200, control.act(name, body if isinstance(body, dict) else {}))
    except SwitchError as error:
        return Reply(400, {"error": str(error)})


def write_truth(account: Account, out: Any, *, live_only: bool = False) -> None:
    """Writes the ground truth: one row per record, equal `entity_id` means duplicates."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("planfix_id", "entity_id", "kind", "is_test", "is_deleted"))
    rows: Iterable[Contact] = account.live_contacts() if live_only else account.contacts
    for contact in rows:
        kind = "company" if contact.is_company else "person"
        flags = (str(contact.is_test).lower(), str(contact.is_deleted).lower())
        writer.writerow((contact.id, contact.entity, kind, *flags))
