"""The REST API itself: routes, scopes, filters and errors, without HTTP.

`Api.handle` takes method, path, query and body and returns status and JSON. What disturbs replies
on their way (limits, faults, latency) lives in `disturbances`, sockets in `server`.
"""

from __future__ import annotations

import datetime as dt
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import orjson

from simulator import filters as rules
from simulator.filters import FilterError, IgnoredFilterError
from simulator.generator import hash_number
from simulator.model import TYPE_NAMES, Account, Comment, Contact, TagEntry, Task
from simulator.render import (
    XML_ID_OFFSET,
    Renderer,
    file_size,
    parse_fields,
    tag_entry_values,
    task_values,
)
from simulator.setup import CHANGED_FILTER, SEGMENTS
from simulator.switches import Switches

T = TypeVar("T")
MAX_PAGE = 100
CACHED_LISTS = 24
_EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()


@dataclass
class Reply:
    """What the API answers.

    Attributes:
        payload: JSON value, or the body as bytes.
        cost_seconds: time the real service was seen to need for it.
    """

    status: int
    payload: Any
    headers: dict[str, str] = field(default_factory=dict)
    cost_seconds: float = 0.0

    def body(self) -> bytes:
        """Returns the body as sent."""
        if isinstance(self.payload, bytes):
            return self.payload
        return orjson.dumps(self.payload)


class ApiError(Exception):
    """An error reply."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def reply(self) -> Reply:
        """Returns the error envelope."""
        return Reply(self.status, failure(self.code, str(self)))


def failure(code: int, message: str) -> dict[str, Any]:
    """Returns the body of an error."""
    return {"result": "fail", "code": code, "error": message}


def success(key: str, value: Any) -> Reply:
    """Returns the envelope of a success."""
    return Reply(200, {"result": "success", key: value})


class Clock:
    """The simulator's present: the real one, or one set by a test."""

    def __init__(self) -> None:
        self._fixed: float | None = None
        self._shift = 0.0

    def now(self) -> int:
        """Returns epoch seconds."""
        return int(self._fixed if self._fixed is not None else time.time() + self._shift)

    def set(self, epoch: float | None) -> None:
        """Stops the clock at an instant, or with None lets it follow the real one."""
        self._fixed = epoch
        self._shift = 0.0

    def advance(self, seconds: float) -> None:
        """Moves the clock forward."""
        if self._fixed is not None:
            self._fixed += seconds
        else:
            self._shift += seconds


Handler = Callable[["Api", re.Match[str], Mapping[str, str], Mapping[str, Any]], Reply]


@dataclass(frozen=True)
class Route:
    """One path: verb, pattern, the scope it needs, and its handler."""

    method: str
    pattern: re.Pattern[str]
    scope: str
    handler: Handler


class Api:
    """Answers requests on one account."""

    def __init__(self, account: Account, switches: Switches, clock: Clock) -> None:
        self.account = account
        self.switches = switches
        self.clock = clock
        self.render = Renderer(account, switches)
        self.lock = threading.RLock()
        self._lists: OrderedDict[tuple[Any, ...], list[Any]] = OrderedDict()

    def handle(self, method: str, path: str, query: Mapping[str, str], raw_body: bytes) -> Reply:
        """Answers one request whose token was already checked."""
        try:
            return self._handle(method, path, query, raw_body)
        except ApiError as error:
            return error.reply()
        except FilterError as error:
            return Reply(400, failure(error.code, f"Rest API error, {error}"))

    def _handle(self, method: str, path: str, query: Mapping[str, str], raw_body: bytes) -> Reply:
        matched: list[tuple[Route, re.Match[str]]] = []
        for route in ROUTES:
            found = route.pattern.fullmatch(path)
            if found:
                matched.append((route, found))
        if not matched:
            raise ApiError(404, 0, "Rest API error")
        for route, found in matched:
            if route.method != method:
                continue
            if route.scope and route.scope in self.missing_scopes():
                raise ApiError(405, 5, "Scope denied, method not allowed")
            body = self._body(raw_body) if method == "POST" else {}
            with self.lock:
                return route.handler(self, found, query, body)
        raise ApiError(405, 405, "Method not allowed")

    def missing_scopes(self) -> set[str]:
        """Returns the scopes that the token lacks."""
        names = self.switches.text("missing_scopes").split(",")
        return {name.strip() for name in names if name.strip()}

    @staticmethod
    def _body(raw: bytes) -> Mapping[str, Any]:
        if not raw.strip():
            return {}
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise ApiError(400, 30, f"Rest API error, not valid JSON: {error.msg}") from error
        if not isinstance(body, dict):
            raise ApiError(400, 30, "Rest API error, not valid JSON: object expected")
        return body

    # paging -----------------------------------------------------------------------------------

    def page(self, rows: list[T], source: Mapping[str, Any]) -> list[T]:
        """Cuts the requested page out of all rows."""
        offset = self._integer(source.get("offset"), 0)
        size = self._integer(source.get("pageSize"), MAX_PAGE)
        if offset < 0 or size < 1:
            raise ApiError(400, 41, "Rest API error, offset or pageSize not allowed")
        if size > MAX_PAGE:
            if self.switches.text("page_size_over") == "refuse":
                raise ApiError(400, 41, f"Rest API error, pageSize {size} not allowed")
            size = MAX_PAGE
        return rows[offset : offset + size]

    @staticmethod
    def _integer(value: Any, default: int) -> int:
        if value is None or value == "":
            return default
        try:
            return int(value)
        except (TypeError, ValueError) as error:
            raise ApiError(400, 41, "Rest API error, number expected") from error

    def _cached(self, key: tuple[Any, ...], build: Callable[[], list[T]]) -> list[T]:
        full = (*key, self.account.version, self.switches.version)
        found = self._lists.get(full)
        if found is not None:
            self._lists.move_to_end(full)
            return found
        rows = build()
        self._lists[full] = rows
        newest = (self.account.version, self.switches.version)
        if len(self._lists) > CACHED_LISTS or newest != getattr(self, "_newest", newest):
            for old in [k for k in self._lists if k[-2:] != newest]:
                del self._lists[old]
            while len(self._lists) > CACHED_LISTS:
                self._lists.popitem(last=False)
        self._newest = newest
        return rows

    def _cache_key(
        self, kind: str, body: Mapping[str, Any], names: Iterable[str]
    ) -> tuple[Any, ...]:
        shape = {name: body[name] for name in names if name in body}
        text = orjson.dumps(shape, option=orjson.OPT_SORT_KEYS)
        relative = b'"dateType"' in text and re.search(rb'"dateType":"(?!other|another)', text)
        moment = self.clock.now() // 60 if relative or CHANGED_FILTER[0].encode() in text else 0
        return (kind, text, moment)

    # dates ------------------------------------------------------------------------------------

    def zone(self) -> ZoneInfo:
        """Returns the zone of the employee who owns the token."""
        return ZoneInfo(self.switches.text("owner_timezone"))

    def _interval(self, value: Any) -> tuple[dt.datetime, dt.datetime]:
        now = dt.datetime.fromtimestamp(self.clock.now(), self.zone()).replace(tzinfo=None)
        return rules.interval(
            value,
            now,
            range_end=self.switches.text("range_end"),
            xml_date_types=self.switches.text("xml_date_types"),
        )

    def instant_test(self, operator: Any, value: Any) -> Callable[[int], bool]:
        """Returns the test of an epoch second against a date value."""
        name = rules.normalise_operator(operator, rules.DATE_OPERATORS)
        low, high = self._interval(value)
        zone = self.zone()
        return rules.compare(name, rules.to_epoch(low, zone), rules.to_epoch(high, zone))

    def day_test(self, operator: Any, value: Any) -> Callable[[int], bool]:
        """Returns the test of a calendar ordinal against a date value."""
        name = rules.normalise_operator(operator, rules.DATE_OPERATORS)
        low, high = self._interval(value)
        last = high - dt.timedelta(microseconds=1)
        test = rules.compare(name, low.date().toordinal(), last.date().toordinal() + 1)
        return lambda ordinal: bool(ordinal) and test(ordinal)

    # contacts ---------------------------------------------------------------------------------

    def is_visible(self, contact: Contact) -> bool:
        """Tells whether the token's owner may see the record."""
        if contact.hidden:
            return False
        share = self.switches.number("hidden_share")
        if share <= 0:
            return True
        return hash_number(f"{self.account.seed}:{contact.id}") % 10_000 >= share * 10_000

    def contacts(self) -> list[Contact]:
        """Returns all records a list can show, in list order."""

        def build() -> list[Contact]:
            with_deleted = self.switches.text("deleted_in_list") == "shown"
            rows = [
                contact
                for contact in self.account.contacts
                if not contact.hidden and (with_deleted or not contact.is_deleted)
            ]
            if self.switches.number("hidden_share") > 0:
                rows = [contact for contact in rows if self.is_visible(contact)]
            return self._ordered(rows, lambda contact: contact.updated)

        return self._cached(("contacts",), build)

    def _ordered(self, rows: list[Any], updated: Callable[[Any], int]) -> list[Any]:
        order = self.switches.text("list_order")
        if order == "id_desc":
            rows.reverse()
        elif order == "updated_desc":
            rows.sort(key=lambda row: (-updated(row), row.id))
        elif order == "shuffled":
            rows.sort(key=lambda row: (row.id * 2_654_435_761) % 4_294_967_291)
        return rows

    def find_contacts(self, body: Mapping[str, Any]) -> list[Contact]:
        """Returns the records that a list request asks for, all pages."""
        names = ("isCompany", "filterId", "filters")

        def build() -> list[Contact]:
            wanted = _filter_list(body)
            rows: Iterable[Contact] = self.contacts()
            ids = [
                set(rules.numbers(item.get("value")))
                for item in wanted
                if item.get("type") == 4231 and item.get("operator", "equal") in ("equal", "equals")
            ]
            if ids:
                numbers = set.intersection(*ids)
                if len(numbers) <= MAX_PAGE * 10 and self.switches.text("list_order") == "id_asc":
                    with_deleted = self.switches.text("deleted_in_list") == "shown"
                    found = [self.account.contact(number) for number in sorted(numbers)]
                    rows = [
                        c
                        for c in found
                        if c and (with_deleted or not c.is_deleted) and self.is_visible(c)
                    ]
            tests = [self._company_test(body), self._saved_filter_test(body)]
            for item in wanted:
                try:
                    tests.append(contact_filter(self, item))
                except IgnoredFilterError:
                    continue
            active = [test for test in tests if test is not None]
            result = list(rows)
            for test in active:
                result = [contact for contact in result if test(contact)]
            return result

        return self._cached(self._cache_key("contact", body, names), build)

    def _company_test(self, body: Mapping[str, Any]) -> Callable[[Contact], bool] | None:
        value = body.get("isCompany")
        if value is None:
            if self.switches.text("is_company_omitted") == "both" or body.get("filterId"):
                return None
            value = False
        wanted = rules.truth(value)
        return lambda contact: contact.is_company is wanted

    def _saved_filter_test(self, body: Mapping[str, Any]) -> Callable[[Contact], bool] | None:
        name = body.get("filterId")
        if name in (None, ""):
            return None
        name = str(name).removeprefix(":")
        if name in {"contact", "company"}:
            return lambda contact: contact.is_company is (name == "company")
        if name == CHANGED_FILTER[0]:
            since = self.clock.now() - 14 * 86_400
            return lambda contact: contact.updated >= since
        for key, number, _ in SEGMENTS:
            if number == name:
                return lambda contact: key in contact.segments
        raise ApiError(400, 41, f"Filter not find by id {name}")

    def one_contact(self, text: str) -> Contact:
        """Returns the record a path names.

        Raises:
            ApiError: there is none, it is deleted, or it may not be seen.
        """
        number = _path_number(text, "contact")
        contact = self.account.contact(number)
        if contact is None:
            raise ApiError(404, 2000, f"Contact not found by id {number}")
        if contact.is_deleted:
            reaction = self.switches.text("deleted_get")
            if reaction == "404":
                raise ApiError(404, 2000, f"Contact not found by id {number}")
            if reaction == "400":
                raise ApiError(400, 6, f"Access denied for contact by id - {number}")
        if not self.is_visible(contact):
            raise ApiError(400, 6, f"Access denied for contact by id - {number}")
        return contact

    # comments ---------------------------------------------------------------------------------

    def comments_page(self, rows: list[Comment], body: Mapping[str, Any]) -> Reply:
        """Filters by type list, orders, cuts and renders comments."""
        kinds = str(body.get("typeList") or self.switches.text("comment_types"))
        if kinds == "Comments":
            rows = [row for row in rows if not row.is_technical and not row.is_deleted]
        elif kinds == "All":
            rows = [row for row in rows if not row.is_deleted]
        elif kinds == "New":
            rows = [row for row in rows if row.is_unread and not row.is_deleted]
        elif kinds == "Deleted":
            rows = [row for row in rows if row.is_deleted]
        else:
            raise ApiError(400, 41, f"Rest API error, typeList {kinds} not allowed")
        rows = self._comment_order(rows, body.get("resultOrder"))
        fields = parse_fields(body.get("fields"))
        page = self.page(rows, body)
        return success("comments", [self.render.comment(row, fields) for row in page])

    def _comment_order(self, rows: list[Comment], order: Any) -> list[Comment]:
        if not order:
            descending, name = self.switches.text("comment_order") == "desc", "id"
        elif isinstance(order, str):
            descending, name = order.lower() == "desc", "id"
        else:
            first = order[0] if isinstance(order, list) else order
            name = first.get("field") or first.get("filed") or "id"
            descending = str(first.get("direction", "Asc")).lower() == "desc"
        if name not in {"id", "dateTime"}:
            raise ApiError(400, 41, "Rest API error, resultOrder not allowed")
        if name == "dateTime":
            return sorted(rows, key=lambda row: (row.at, row.id), reverse=descending)
        return rows[::-1] if descending else rows

    def find_comments(self, body: Mapping[str, Any]) -> list[Comment]:
        """Returns the comments of the account that a global list asks for."""

        def build() -> list[Comment]:
            with_notes = self.switches.is_on("comment_list_contact_notes")
            rows = [c for c in self.account.comments if with_notes or not c.contact_id]
            for item in _filter_list(body):
                try:
                    test = self._comment_filter(item)
                except IgnoredFilterError:
                    continue
                rows = [row for row in rows if test(row)]
            return rows

        return self._cached(self._cache_key("comment", body, ("filters",)), build)

    def _comment_filter(self, item: Mapping[str, Any]) -> Callable[[Comment], bool]:
        kind, operator, value = item.get("type"), item.get("operator"), item.get("value")
        if kind == 3000:
            when = self.instant_test(operator, value)
            return lambda row: when(row.at)
        if kind == 3001:
            name = rules.normalise_operator(operator, ("equal", "notequal"))
            prefix, number = rules.person(value)
            same = rules.exact(name, number if prefix in {"", "user"} else -1)
            return lambda row: same(row.owner)
        raise FilterError(f"filter type {kind} not allowed")

    def comment_cost(self, body: Mapping[str, Any]) -> float:
        """Returns the seconds a page of the global list was seen to take."""
        slowness = self.switches.number("comment_list_slowness")
        if slowness <= 0:
            return 0.0
        days = 36_500.0
        for item in _filter_list(body):
            value = item.get("value")
            if item.get("type") == 3000 and item.get("operator") in ("equal", "equals"):
                try:
                    low, high = self._interval(value)
                except (FilterError, IgnoredFilterError):
                    continue
                days = min(days, (high - low).total_seconds() / 86_400)
        seconds = 45.0 if days > 90 else 1.0 + days if days <= 7 else 8.0 + days * 0.4
        return min(45.0, seconds) * slowness

    # tasks ------------------------------------------------------------------------------------

    def find_tasks(self, body: Mapping[str, Any]) -> list[Task]:
        """Returns the tasks that a list asks for, all pages."""

        def build() -> list[Task]:
            with_deleted = self.switches.text("deleted_in_list") == "shown"
            rows = [t for t in self.account.tasks if with_deleted or not t.is_deleted]
            rows = self._ordered(rows, lambda task: task.updated)
            for item in _filter_list(body):
                try:
                    test = task_filter(self, item)
                except IgnoredFilterError:
                    continue
                rows = [row for row in rows if test(row)]
            return rows

        return self._cached(self._cache_key("task", body, ("filters", "filterId")), build)

    def one_task(self, text: str) -> Task:
        """Returns the task a path names.

        Raises:
            ApiError: there is none or it is deleted.
        """
        number = _path_number(text, "task")
        task = self.account.task(number)
        if task is None or task.is_deleted:
            status = int(self.switches.text("missing_task"))
            raise ApiError(status, 1000, f"Task not found by id {number}")
        return task


def _path_number(text: str, prefix: str) -> int:
    name = unquote(text).removeprefix(f"{prefix}:")
    if not name.isdigit():
        raise ApiError(400, 41, "Rest API error, id not allowed")
    return int(name)


def _filter_list(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = body.get("filters")
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise FilterError("filters not allowed")
    for item in found:
        if "type" not in item:
            raise FilterError("filter type missing", 40)
    return found


# contact filters ------------------------------------------------------------------------------

_TWO = ("equal", "notequal")
_EVERYBODY: dict[int, bool] = {
    47: True, 48: True, 4010: False, 4012: True, 4013: True, 4017: False, 4018: False,
    4203: True, 4204: False, 4205: True, 4206: False,
}  # fmt: skip
_TEXTS: dict[int, Callable[[Contact], str]] = {
    4001: lambda c: c.full_name,
    4014: lambda c: c.name,
    4222: lambda c: c.midname,
    4015: lambda c: c.lastname,
    4002: lambda c: c.position,
    4004: lambda c: c.address,
    4005: lambda c: c.email,
    4221: lambda c: " ".join(c.more_emails),
}
_CUSTOM_TYPES = {4101: (0, 2), 4102: (1,), 4103: (3,), 4105: (7,), 4106: (8,), 4107: (9,)}


def contact_filter(api: Api, item: Mapping[str, Any]) -> Callable[[Contact], bool]:
    """Compiles one contact filter.

    Raises:
        FilterError: unknown type, operator or value.
        IgnoredFilterError: the account leaves this filter out in silence.
    """
    kind, operator, value = item.get("type"), item.get("operator"), item.get("value")
    if isinstance(kind, str):
        kind = int(kind.split()[0]) if kind.split()[:1] and kind.split()[0].isdigit() else None
    if kind == 38:
        reaction = api.switches.text("filter_38")
        if reaction == "ignored":
            raise IgnoredFilterError
        if reaction == "refused":
            raise FilterError("filter type 38 not allowed")
        changed = api.instant_test(operator, value)
        return lambda c: changed(c.updated)
    if kind == 12:
        created = api.instant_test(operator, value)
        return lambda c: created(c.created)
    if kind == 4223:
        born = api.day_test(operator, value)
        return lambda c: born(c.birth_date)
    if kind == 4011:
        return _birthday_filter(api, operator, value)
    if kind in (4213, 4219, 4214, 4220):
        return _activity_filter(api, kind, operator, value)
    if kind in (4006, 4007):
        wanted = (kind == 4006) is rules.truth(value)
        return lambda c: c.is_company is wanted
    if kind in _EVERYBODY:
        answer = _EVERYBODY[kind]
        return lambda c: answer
    if kind in (4201, 4202):
        active = {
            t.counterparty.id for t in api.account.tasks if t.status == 5 and not t.is_deleted
        }
        has = kind == 4202
        return lambda c: (c.id in active) is has
    if kind in (4152, 4153):
        number = rules.numbers(item.get("field") or value)[0]
        reaction = api.switches.text("filter_has_value")
        if reaction == "ignored":
            raise IgnoredFilterError
        if reaction != "honoured":
            raise ApiError(
                200 if reaction == "fail_200" else 400, 41, "Rest API error, filter not allowed"
            )
        present = kind == 4152
        return lambda c: (c.custom.get(number) not in (None, "")) is present
    if kind == 93:
        return _tag_value_filter(api, item)
    if kind in _CUSTOM_TYPES:
        return _custom_filter(api, item, kind, lambda c: c.custom)
    name = rules.normalise_operator(operator, _TWO)
    if kind in (1, 2):
        return _people_filter(kind, name, value)
    if kind in _TEXTS:
        text, matches = _TEXTS[kind], rules.contains(name, value)
        return lambda c: matches(text(c))
    if kind == 4003:
        return _phone_filter(name, value)
    if kind == 4026:
        same_mail = rules.exact("equal", str(value).strip().lower())
        is_equal = name == "equal"
        return lambda c: (
            any(same_mail(m.strip().lower()) for m in (c.email, *c.more_emails)) is is_equal
        )
    if kind == 4226:
        wanted_name = _telegram(str(value))
        is_equal = name == "equal"
        return lambda c: (bool(c.telegram) and _telegram(c.telegram) == wanted_name) is is_equal
    getters: dict[int, tuple[Callable[[Contact], Any], Callable[[Any], Any]]] = {
        4008: (lambda c: c.group_id, rules.numbers),
        4016: (lambda c: c.template_id, rules.numbers),
        4231: (lambda c: c.id, rules.numbers),
        4233: (lambda c: c.id + XML_ID_OFFSET, rules.numbers),
        4019: (lambda c: c.gender, lambda v: v),
        4234: (lambda c: c.telegram_id, str),
    }
    if kind in getters:
        get, read = getters[kind]
        same = rules.exact(name, read(value))
        return lambda c: same(get(c))
    raise FilterError(f"filter type {kind} not allowed")


def _telegram(text: str) -> str:
    name = text.strip().lower().rstrip("/")
    return name.rpartition("/")[2].removeprefix("@")


def _birthday_filter(api: Api, operator: Any, value: Any) -> Callable[[Contact], bool]:
    name = rules.normalise_operator(operator, _TWO)
    low, high = api._interval(value)
    days = min(366, max(1, (high - low).days))
    wanted = {
        ((low + dt.timedelta(days=n)).month, (low + dt.timedelta(days=n)).day) for n in range(days)
    }
    is_equal = name == "equal"

    def test(contact: Contact) -> bool:
        if not contact.birth_date:
            return False
        born = dt.date.fromordinal(contact.birth_date)
        return ((born.month, born.day) in wanted) is is_equal

    return test


def _activity_filter(api: Api, kind: int, operator: Any, value: Any) -> Callable[[Contact], bool]:
    when = api.instant_test(operator, value)
    active = {
        task.counterparty.id
        for task in api.account.tasks
        if not task.is_deleted and when(max(task.updated, api.account.last_comment(task)))
    }
    if kind in (4214, 4220):  # participants: contacts never are
        return lambda c: kind == 4220
    has = kind == 4213
    return lambda c: (c.id in active) is has


def _people_filter(kind: int, operator: str, value: Any) -> Callable[[Contact], bool]:
    prefix, number = rules.person(value)
    if prefix not in {"", "user"}:
        return lambda c: operator == "notequal"
    is_equal = operator == "equal"
    if kind == 1:
        return lambda c: (c.added_by == number) is is_equal
    return lambda c: (number in c.supervisors) is is_equal


def _phone_filter(operator: str, value: Any) -> Callable[[Contact], bool]:
    needle = re.sub(r"\D", "", str(value))
    if not needle:
        raise FilterError("value not allowed")
    is_equal = operator == "equal"

    def test(contact: Contact) -> bool:
        found = any(needle in re.sub(r"\D", "", text) for text, _ in contact.phones)
        return found is is_equal

    return test


def _custom_filter(
    api: Api, item: Mapping[str, Any], kind: int, values: Callable[[Any], Mapping[int, Any]]
) -> Callable[[Any], bool]:
    field_value = item.get("field")
    if field_value is None:
        raise FilterError("field missing", 40)
    number = rules.numbers(field_value)[0]
    found = api.account.custom_fields.get(number)
    base = kind if kind > 4000 else kind + 4000
    if found is None or found.is_removed or found.type not in _CUSTOM_TYPES.get(base, ()):
        raise FilterError(f"field {number} not allowed")
    operator, value = item.get("operator"), item.get("value")
    if found.type == 3:
        when = api.day_test(operator, value)
        return lambda row: when(values(row).get(number, 0))
    if found.type in (0, 2):
        name = rules.normalise_operator(operator, ("equal", "notequal", "have", "nothave"))
        if name in {"have", "nothave"}:
            matches = rules.contains(name, value)
            return lambda row: matches(str(values(row).get(number, "")))
        same = rules.exact(name, str(value))
        return lambda row: same(str(values(row).get(number, "")))
    if found.type == 1:
        name = rules.normalise_operator(operator, ("equal", "notequal", "gt", "lt"))
        try:
            limit = float(str(value))
        except (TypeError, ValueError) as error:
            raise FilterError("value not allowed") from error
        test = rules.compare(name, limit, limit + 1e-9)
        return lambda row: number in values(row) and test(float(values(row)[number]))
    name = rules.normalise_operator(operator, _TWO)
    is_equal = name == "equal"
    if found.type == 7:
        wanted = rules.truth(value)
        return lambda row: (bool(values(row).get(number)) is wanted) is is_equal
    if found.type == 9:
        ids = set(rules.numbers(value))
        names = api.account.directories[found.directory_id][1]
        texts = {names[i - 1] for i in ids if 0 < i <= len(names)}
        return lambda row: (values(row).get(number) in texts) is is_equal
    return lambda row: (values(row).get(number) == value) is is_equal


def _tag_value_filter(api: Api, item: Mapping[str, Any]) -> Callable[[Contact], bool]:
    inner = item.get("subfilter")
    if not isinstance(inner, dict) or not isinstance(inner.get("filter"), dict):
        raise FilterError("subfilter missing", 40)
    test = tag_entry_filter(api, {**item, **inner["filter"]})
    tag = rules.numbers(inner.get("dataTagId"))[0]
    found = {e.contact_id for e in api.account.tag_entries if e.data_tag_id == tag and test(e)}
    return lambda c: c.id in found


def tag_entry_filter(api: Api, item: Mapping[str, Any]) -> Callable[[TagEntry], bool]:
    """Compiles a filter of data tag entries.

    Raises:
        FilterError: unknown type, operator or value.
    """
    kind = item.get("type")
    if kind == 3101:
        when = api.day_test(item.get("operator"), item.get("value"))
        return lambda e: when(tag_entry_values(e)[20])
    if kind == 3108:
        name = rules.normalise_operator(
            item.get("operator"), ("equal", "notequal", "have", "nothave")
        )
        matches = rules.contains(name, item.get("value"))
        return lambda e: matches(e.result)
    if kind == 3116:
        same = rules.exact("equal", rules.numbers(item.get("value")))
        return lambda e: same(e.contact_id)
    raise FilterError(f"filter type {kind} not allowed")


# task filters ---------------------------------------------------------------------------------


def task_filter(api: Api, item: Mapping[str, Any]) -> Callable[[Task], bool]:
    """Compiles one task filter.

    Raises:
        FilterError: unknown type, operator or value.
    """
    kind, operator, value = item.get("type"), item.get("operator"), item.get("value")
    moments: dict[int, Callable[[Task], int]] = {
        12: lambda t: t.trip.created,
        13: lambda t: t.trip.pickup,
        14: lambda t: t.trip.pickup + 7200,
        21: api.account.last_comment,
        38: lambda t: t.updated,
        79: lambda t: max(t.updated, api.account.last_comment(t)),
    }
    if kind in moments:
        when, moment = api.instant_test(operator, value), moments[kind]
        return lambda t: when(moment(t))
    if kind == 103:
        return _task_moment_filter(api, item)
    if kind in (101, 102, 105, 106, 107):
        return _custom_filter(api, item, kind, task_values)
    if kind in (152, 153):
        number = rules.numbers(item.get("field") or value)[0]
        present = kind == 152
        return lambda t: (task_values(t).get(number) not in (None, "")) is present
    name = rules.normalise_operator(operator, ("equal", "notequal", "have", "nothave"))
    if kind == 8:
        matches = rules.contains(name, value)
        return lambda t: matches(str(api.render.task(t, ("name",))["name"]))
    getters: dict[int, Callable[[Task], Any]] = {
        5: lambda t: 0,
        7: lambda t: t.counterparty.id,
        10: lambda t: t.status,
        24: lambda t: 24,
        51: lambda t: t.template_id,
        57: lambda t: t.id,
        325: lambda t: 3,
        2: lambda t: t.assignee,
        97: lambda t: t.assignee,
        73: lambda t: 0,
    }
    if isinstance(kind, int) and kind in getters:
        get = getters[kind]
        same = rules.exact(name, rules.numbers(value))
        return lambda t: same(get(t))
    raise FilterError(f"filter type {kind} not allowed")


def _task_moment_filter(api: Api, item: Mapping[str, Any]) -> Callable[[Task], bool]:
    if item.get("field") is None:
        raise FilterError("field missing", 40)
    number = rules.numbers(item.get("field"))[0]
    found = api.account.custom_fields.get(number)
    if found is None or found.object_type != 0 or found.type not in (3, 5):
        raise FilterError(f"field {number} not allowed")
    when = api.instant_test(item.get("operator"), item.get("value"))
    return lambda t: number in task_values(t) and when(task_values(t)[number])


# handlers -------------------------------------------------------------------------------------

Match = re.Match[str]
Query = Mapping[str, str]
Body = Mapping[str, Any]


def _ping(api: Api, match: Match, query: Query, body: Body) -> Reply:
    return Reply(200, {"result": "success"})


def _contact_list(api: Api, match: Match, query: Query, body: Body) -> Reply:
    fields = parse_fields(body.get("fields"))
    prefixed = body.get("prefixedId") is True
    page = api.page(api.find_contacts(body), body)
    rows = [api.render.contact(c, fields, is_list=True, prefixed=prefixed) for c in page]
    return success("contacts", rows)


def _contact_get(api: Api, match: Match, query: Query, body: Body) -> Reply:
    contact = api.one_contact(match["id"])
    fields = parse_fields(query.get("fields"))
    prefixed = query.get("prefixedId") == "true"
    return success("contact", api.render.contact(contact, fields, is_list=False, prefixed=prefixed))


def _names(api: Api, fields: Any, rows: Iterable[tuple[int, str]]) -> list[dict[str, Any]]:
    wanted = parse_fields(fields) or ("id",)
    return [
        {key: value for key, value in (("id", number), ("name", name)) if key in wanted}
        for number, name in rows
    ]


def _contact_groups(api: Api, match: Match, query: Query, body: Body) -> Reply:
    return success("groups", _names(api, query.get("fields"), api.account.groups.items()))


def _contact_templates(api: Api, match: Match, query: Query, body: Body) -> Reply:
    wanted = rules.truth(query.get("isCompany", "false"))
    fields = parse_fields(query.get("fields")) or ("id",)
    rows = [
        {k: v for k, v in {"id": n, "name": name, "isCompany": is_company}.items() if k in fields}
        for n, (name, is_company) in api.account.templates.items()
        if is_company is wanted
    ]
    return success("templates", api.page(rows, query))


def _contact_filters(api: Api, match: Match, query: Query, body: Body) -> Reply:
    owner = api.render.user_reference(1)
    found: list[dict[str, Any]] = [
        {"id": ":contact", "name": "Все контакты"},
        {"id": ":company", "name": "Все компании"},
    ]
    saved = [(number, name) for _, number, name in SEGMENTS] + [CHANGED_FILTER]
    found += [{"id": number, "name": name, "owner": owner} for number, name in saved]
    return success("filters", found)


def _contact_files(api: Api, match: Match, query: Query, body: Body) -> Reply:
    return success("files", api.render.files(api.one_contact(match["id"])))


def _contact_comments(api: Api, match: Match, query: Query, body: Body) -> Reply:
    try:
        contact = api.one_contact(match["id"])
    except ApiError as error:
        raise ApiError(500, 0, "Rest API error") from error
    return api.comments_page(api.account.comments_of(contact_id=contact.id), body)


def _comment_list(api: Api, match: Match, query: Query, body: Body) -> Reply:
    if not api.switches.is_on("comment_list"):
        raise ApiError(405, 405, "Method not allowed")
    if not body.get("filters") and api.switches.text("comment_list_unfiltered") == "refused":
        raise ApiError(400, 0, "Rest API error")
    reply = api.comments_page(api.find_comments(body), body)
    reply.cost_seconds = api.comment_cost(body)
    return reply


def _comment_get(api: Api, match: Match, query: Query, body: Body) -> Reply:
    number = int(match["id"])
    found = next((c for c in api.account.comments if c.id == number), None)
    if found is None:
        raise ApiError(400, 5000, f"Comment not found by id {number}")
    return success("comment", api.render.comment(found, parse_fields(query.get("fields"))))


def _custom_fields(api: Api, match: Match, query: Query, body: Body) -> Reply:
    kinds = {"task": 0, "contact": 1, "directory": 2, "project": 3, "datatag": 4, "user": 6}
    object_type = kinds[match["object"]]
    fields = parse_fields(query.get("fields")) or ("id",)
    rows = []
    for found in api.account.custom_fields.values():
        if found.object_type != object_type or found.is_removed:
            continue
        shape: dict[str, Any] = {
            "id": found.id,
            "name": found.name,
            "names": {"ru": found.name},
            "type": found.type,
            "objectType": found.object_type,
            "groupId": 1,
        }
        if found.directory_id:
            shape["directoryId"] = found.directory_id
            shape["directoryFields"] = []
        if found.enum_values:
            shape["enumValues"] = found.enum_values
        rows.append({key: value for key, value in shape.items() if key in fields})
    return success("customfields", rows)


def _custom_field_types(api: Api, match: Match, query: Query, body: Body) -> Reply:
    rows = [{"id": number, "name": name} for number, name in TYPE_NAMES.items()]
    return success("types", rows)


def _processes(api: Api, match: Match, query: Query, body: Body) -> Reply:
    number, name = (24, "Трансферы") if match["object"] == "task" else (30, "Контакты")
    return success("processes", _names(api, query.get("fields"), [(number, name)]))


def _statuses(api: Api, match: Match, query: Query, body: Body) -> Reply:
    rows = [(1, "Новая"), (3, "Завершённая"), (5, "В работе")]
    return success("statuses", _names(api, query.get("fields"), rows))


def _user_list(api: Api, match: Match, query: Query, body: Body) -> Reply:
    rows = [user for user in api.account.users if not user.is_deleted]
    if rules.truth(body.get("onlyActive")):
        rows = [user for user in rows if user.status == "Active"]
    for item in _filter_list(body):
        kind, value = item.get("type"), item.get("value")
        if kind == 9003:
            rows = [user for user in rows if str(value).lower() in user.email.lower()]
        elif kind == 9006:
            rows = [user for user in rows if str(value).lower() in user.full_name.lower()]
        elif kind == 9008:
            numbers = rules.numbers(value)
            rows = [user for user in rows if user.id in numbers]
        elif kind == 9009:
            rows = [user for user in rows if user.role == value]
        else:
            raise FilterError(f"filter type {kind} not allowed")
    fields = parse_fields(body.get("fields"))
    prefixed = body.get("prefixedId") is True
    page = api.page(rows, body)
    return success("users", [api.render.user(u, fields, prefixed=prefixed) for u in page])


def _user_get(api: Api, match: Match, query: Query, body: Body) -> Reply:
    number = _path_number(match["id"], "user")
    user = api.account.user(number)
    if user is None or user.is_deleted:
        raise ApiError(404, 4000, f"Employee not found by id {number}")
    fields = parse_fields(query.get("fields"))
    return success("user", api.render.user(user, fields, prefixed=False))


def _user_groups(api: Api, match: Match, query: Query, body: Body) -> Reply:
    return success("groups", _names(api, query.get("fields"), api.account.user_groups.items()))


def _user_positions(api: Api, match: Match, query: Query, body: Body) -> Reply:
    rows = _names(api, query.get("fields"), api.account.positions.items())
    return success(api.switches.text("positions_key"), rows)


def _data_tag_list(api: Api, match: Match, query: Query, body: Body) -> Reply:
    wanted = parse_fields(body.get("fields")) or ("id",)
    inner = [
        {"id": f.id, "name": f.name, "type": f.type, "objectType": 4}
        for f in api.account.custom_fields.values()
        if f.object_type == 4
    ]
    rows = []
    for number, name in api.account.data_tags.items():
        shape = {"id": number, "name": name, "group": {"id": 1, "name": "CRM"}, "fields": inner}
        rows.append({key: value for key, value in shape.items() if key in wanted})
    return success("dataTags", api.page(rows, body))


def _data_tag_entries(api: Api, match: Match, query: Query, body: Body) -> Reply:
    number = int(match["id"])
    if number not in api.account.data_tags:
        raise ApiError(404, 6000, f"Data tag not found by id {number}")
    rows = [entry for entry in api.account.tag_entries if entry.data_tag_id == number]
    if body.get("contactId") is not None:
        contact = rules.numbers(body["contactId"])[0]
        rows = [entry for entry in rows if entry.contact_id == contact]
    if body.get("taskId") is not None:
        task = rules.numbers(body["taskId"])[0]
        rows = [entry for entry in rows if entry.task_id == task]
    for item in _filter_list(body):
        test = tag_entry_filter(api, item)
        rows = [entry for entry in rows if test(entry)]
    fields = parse_fields(body.get("fields"))
    page = api.page(rows, body)
    return success("dataTagEntries", [api.render.tag_entry(e, fields) for e in page])


def _directory_list(api: Api, match: Match, query: Query, body: Body) -> Reply:
    rows = [(number, name) for number, (name, _) in api.account.directories.items()]
    page = api.page(_names(api, body.get("fields"), rows), body)
    return success(api.switches.text("directory_key"), page)


def _directory_entries(api: Api, match: Match, query: Query, body: Body) -> Reply:
    number = int(match["id"])
    if number not in api.account.directories:
        raise ApiError(404, 8000, f"Directory not found by id {number}")
    name, entries = api.account.directories[number]
    wanted = parse_fields(body.get("fields")) or ("key",)
    rows = []
    for position, text in enumerate(entries):
        shape = {
            "directory": {"id": number, "name": name},
            "key": position + 1,
            "parentKey": 0,
            "name": text,
            "archived": False,
            "isGroup": False,
        }
        rows.append({key: value for key, value in shape.items() if key in wanted})
    return success("directoryEntries", api.page(rows, body))


def _task_list(api: Api, match: Match, query: Query, body: Body) -> Reply:
    fields = parse_fields(body.get("fields"))
    page = api.page(api.find_tasks(body), body)
    return success("tasks", [api.render.task(task, fields) for task in page])


def _task_get(api: Api, match: Match, query: Query, body: Body) -> Reply:
    task = api.one_task(match["id"])
    return success("task", api.render.task(task, parse_fields(query.get("fields"))))


def _task_comments(api: Api, match: Match, query: Query, body: Body) -> Reply:
    task = api.one_task(match["id"])
    return api.comments_page(api.account.comments_of(task_id=task.id), body)


def _task_templates(api: Api, match: Match, query: Query, body: Body) -> Reply:
    rows = _names(api, query.get("fields"), [(200, "Трансфер")])
    return success("templates", api.page(rows, query))


def _task_files(api: Api, match: Match, query: Query, body: Body) -> Reply:
    api.one_task(match["id"])
    return success("files", [])


def _file(api: Api, number: int) -> Contact:
    contact = api.account.contact(number // 10)
    if contact is None or number % 10 >= contact.file_count:
        raise ApiError(400, 7000, f"File not found by id {number}")
    return contact


def _file_get(api: Api, match: Match, query: Query, body: Body) -> Reply:
    number = int(match["id"])
    _file(api, number)
    shape = {
        **api.render.file(number),
        "downloadUrl": f"/__simulator__/content/{number}",
        "link": f"/__simulator__/content/{number}",
    }
    wanted = parse_fields(query.get("fields")) or ("id",)
    return success("file", {key: value for key, value in shape.items() if key in wanted})


def _file_download(api: Api, match: Match, query: Query, body: Body) -> Reply:
    number = int(match["id"])
    _file(api, number)
    return Reply(302, b"", {"Location": f"/__simulator__/content/{number}"})


def file_content(number: int) -> bytes:
    """Returns the bytes of a synthetic file."""
    return (b"synthetic file %d\n" % number).ljust(file_size(number), b".")


def _write(api: Api, match: Match, query: Query, body: Body) -> Reply:
    raise ApiError(405, 5, "Scope denied, method not allowed")


def _route(method: str, pattern: str, scope: str, handler: Handler) -> Route:
    return Route(method, re.compile(pattern), scope, handler)


_ID = r"(?P<id>(?:[a-z]+(?::|%3[aA]))?\d+)"
ROUTES: tuple[Route, ...] = (
    _route("GET", "/ping", "", _ping),
    _route("POST", "/contact/list", "contact_readonly", _contact_list),
    _route("GET", "/contact/groups/?", "contact_readonly", _contact_groups),
    _route("GET", "/contact/templates/?", "contact_readonly", _contact_templates),
    _route("POST", "/contact/filters/?", "contact_readonly", _contact_filters),
    _route("GET", f"/contact/{_ID}/files", "file_readonly", _contact_files),
    _route("POST", f"/contact/{_ID}/comments/list", "comment_readonly", _contact_comments),
    _route("GET", f"/contact/{_ID}", "contact_readonly", _contact_get),
    _route("POST", "/contact/", "", _write),
    _route("POST", f"/contact/{_ID}", "", _write),
    _route("POST", f"/contact/{_ID}/comments/", "", _write),
    _route("POST", "/comment/list", "comment_readonly", _comment_list),
    _route("GET", r"/comment/(?P<id>\d+)", "comment_readonly", _comment_get),
    _route("GET", "/customfield/type", "common_metadata", _custom_field_types),
    _route(
        "GET",
        r"/customfield/(?P<object>task|contact|directory|project|datatag|user)(?:/\d+)?",
        "common_metadata",
        _custom_fields,
    ),
    _route("GET", "/process/(?P<object>task|contact)/?", "common_metadata", _processes),
    _route("GET", r"/process/task/\d+/statuses", "common_metadata", _statuses),
    _route("POST", "/user/list", "user_readonly", _user_list),
    _route("GET", "/user/groups/?", "user_readonly", _user_groups),
    _route("GET", "/user/positions/?", "user_readonly", _user_positions),
    _route("GET", f"/user/{_ID}", "user_readonly", _user_get),
    _route("POST", "/datatag/list", "datatag_readonly", _data_tag_list),
    _route("POST", r"/datatag/(?P<id>\d+)/entry/list", "datatag_readonly", _data_tag_entries),
    _route("POST", "/directory/list", "directory_readonly", _directory_list),
    _route("POST", r"/directory/(?P<id>\d+)/entry/list", "directory_readonly", _directory_entries),
    _route("POST", "/task/list", "task_readonly", _task_list),
    _route("GET", "/task/templates/?", "task_readonly", _task_templates),
    _route("POST", f"/task/{_ID}/comments/list", "comment_readonly", _task_comments),
    _route("GET", f"/task/{_ID}/files", "file_readonly", _task_files),
    _route("GET", f"/task/{_ID}", "task_readonly", _task_get),
    _route("POST", "/task/", "", _write),
    _route("POST", f"/task/{_ID}", "", _write),
    _route("GET", r"/file/(?P<id>\d+)/download", "file_readonly", _file_download),
    _route("GET", r"/file/(?P<id>\d+)", "file_readonly", _file_get),
)
SCOPES = tuple(sorted({route.scope for route in ROUTES if route.scope}))
