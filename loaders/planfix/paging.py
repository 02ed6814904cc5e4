"""Walks a list by offset without losing rows to a list that moves meanwhile.

The API has no cursor, no total and no order. So each page begins with the last row of the one
before (its anchor). Where the anchor is missing, rows before it were removed and the next ones
moved up: the walk steps back until it sees known rows again. Rows that were added only repeat
others, and repeats cost nothing. A short page ends the list only when the server has shown that
it fills pages, because a server may cap pages lower than we ask.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from loaders.planfix import api
from loaders.planfix.client import (
    PlanfixClient,
    QuotaPause,
    Reply,
    Sent,
    parse_json,
)
from loaders.planfix.spool import Item, Spool

# page lengths a server might cap at: a last page of this length proves nothing
ROUND_LENGTHS = frozenset({5, 10, 20, 25, 30, 40, 50, 60, 64, 75, 80, 90})
MOST_STEPS_BACK = 12
MOST_LIES = 5

Row = dict[str, Any]


class Unfiltered(Exception):
    """The server returned rows outside the filter: it ignores the filter."""


@dataclass
class Walked:
    """Result of a walk.

    Attributes:
        listed: rows the list held at its end, by offset.
        pages: pages used.
        moved: the list moved while it was read.
        unstable: the order changed from page to page; completeness must be proved otherwise.
        is_complete: the end was reached (false when `stop` ended it).
    """

    listed: int = 0
    pages: int = 0
    moved: bool = False
    unstable: bool = False
    is_complete: bool = True


@dataclass
class Pager:
    """Reads pages of lists through the spool.

    Attributes:
        client: sends the requests.
        spool: keeps the pages.
        page_size: rows asked for.
        concurrency: pages in flight at once.
        cap: page length that the server is known to fill, 0 while unknown.
        on_page: told about each fetched page (stage, rows).
        field_limit: most names in `fields` at once, 0 for no bound.
    """

    client: PlanfixClient
    spool: Spool
    page_size: int = api.PAGE_SIZE
    concurrency: int = 1
    cap: int = 0
    on_page: Callable[[str, int], None] | None = None
    field_limit: int = 0
    _names: dict[str, set[str]] = field(default_factory=dict)

    def fetch(
        self,
        call: api.ListCall,
        offset: int,
        size: int | None = None,
        sent: Sent | None = None,
    ) -> Reply:
        """Requests one page, past the spool; `sent` is its first try when that was sent ahead."""
        if self.is_split(call):
            body = {"offset": offset, "pageSize": size or self.page_size, **call.body}
            return self._fetch_split(call, body)
        return self.client.call(
            call.method,
            call.path,
            call.keys,
            **self._parameters(call, offset, size),
            timeout=call.timeout,
            tries=call.tries,
            sent=sent,
        )

    def send(self, call: api.ListCall, offset: int) -> Sent:
        """Sends the request of one page ahead of its turn; looked at later, by `fetch`."""
        return self.client.send(
            call.method, call.path, **self._parameters(call, offset), timeout=call.timeout
        )

    def _parameters(
        self, call: api.ListCall, offset: int, size: int | None = None
    ) -> dict[str, Any]:
        size = size or self.page_size
        if call.method == "GET":
            return {"params": {**call.body, "offset": offset, "pageSize": size}}
        return {"body": {"offset": offset, "pageSize": size, **call.body}}

    def is_split(self, call: api.ListCall) -> bool:
        """Tells whether the call's fields are more than the account takes at once."""
        names = str(call.body.get("fields", "")).count(",") + 1
        return bool(self.field_limit) and call.method != "GET" and names > self.field_limit

    def _fetch_split(self, call: api.ListCall, body: Row) -> Reply:
        """Asks for the fields in parts and joins them by id, whatever moved in between."""
        rest = [name for name in str(call.body["fields"]).split(",") if name != "id"]
        parts = [
            rest[start : start + self.field_limit - 1]
            for start in range(0, len(rest), self.field_limit - 1)
        ]
        first = self.client.post(
            call.path, call.keys, {**body, "fields": api.joined(["id", *parts[0]])}
        )
        rows: dict[Any, Row] = {call.row_id(row): row for row in first.payload}
        for part in parts[1:]:
            fields = api.joined(["id", *part])
            reply = self.client.post(call.path, call.keys, {**body, "fields": fields})
            missing = set(rows)
            for row in reply.payload:
                missing.discard(call.row_id(row))
                _join(rows.get(call.row_id(row)), row)
            if missing and call.path == "contact/list":
                again = {
                    **body,
                    "offset": 0,
                    "fields": fields,
                    "filters": [api.number_filter(sorted(missing))],
                }
                for row in self.client.post(call.path, call.keys, again).payload:
                    _join(rows.get(call.row_id(row)), row)
        key = next(key for key in call.keys if key in first.body)
        joined = {"result": "success", key: list(rows.values())}
        return replace(first, payload=joined[key], body=joined, content=orjson.dumps(joined))

    def get_page(
        self,
        stage: str,
        unit: str,
        cursor: str,
        call: api.ListCall,
        offset: int,
        describe: Callable[[Row], Item | None],
        *,
        done: bool = False,
        check: Callable[[Sequence[Row]], None] | None = None,
        size: int | None = None,
        sent: Sent | None = None,
    ) -> list[Row]:
        """Returns a page out of the spool, or requests and stores it.

        Raises:
            Unfiltered: raised by `check`, before the page is stored.
        """
        stored = self.spool.page(stage, unit, cursor)
        if stored is not None:
            return rows_of(parse_json(stored.body), call.keys)
        reply = self.fetch(call, offset, size, sent)
        rows = [row for row in reply.payload if isinstance(row, dict)]
        if check:
            check(rows)
        items = [item for item in map(describe, rows) if item is not None]
        self.spool.add_page(
            stage,
            unit,
            cursor,
            reply.content,
            reply.received_at,
            items,
            rows,
            done=done,
            names=self.new_names(stage, rows),
        )
        if len(rows) >= self.page_size:
            self.cap = max(self.cap, self.page_size)
        if self.on_page:
            self.on_page(stage, len(rows))
        return rows

    def new_names(self, stage: str, rows: Iterable[Row]) -> set[str]:
        """Returns the names, custom fields by their ids, that no page of the stage had so far."""
        known = self._names.setdefault(stage, set())
        # most rows carry the same names, and most entries the same fields
        shapes = {tuple(row) for row in rows}
        fields: set[Any] = set()
        for row in rows:
            entries = row.get("customFieldData") or ()
            try:
                fields.update([entry["field"]["id"] for entry in entries])
            except (KeyError, TypeError):
                fields.update(
                    api.reference_id(entry.get("field"))
                    for entry in entries
                    if isinstance(entry, dict)
                )
        found = {name for shape in shapes for name in shape}
        found |= {str(api.reference_id(number)) for number in fields}
        found -= known
        known |= found
        return found

    def walk(
        self,
        stage: str,
        unit: str,
        call: api.ListCall,
        describe: Callable[[Row], Item | None],
        *,
        check: Callable[[Sequence[Row]], None] | None = None,
        parallel: bool = True,
        verify: str = "",
    ) -> Walked:
        """Reads a list to its end; pages already in the spool are not asked for again.

        With `verify="end"`, one more request asks for the row after the last one: a page that
        came back short or empty by mistake is found out. `verify="empty"` asks only when the
        whole list seems to be empty.
        """
        return _Walk(self, stage, unit, call, describe, check, parallel, verify).run()

    def ask(self, label: str, call: api.ListCall, offset: int = 0, size: int = 0) -> list[Row]:
        """Asks a question whose answer is a page; a resumed run remembers the answer."""
        size = size or self.page_size
        question = orjson.dumps([label, call.path, call.body, offset, size])
        cursor = hashlib.sha256(question).hexdigest()[:20]
        stored = self.spool.page("ask", label, cursor)
        if stored is not None:
            return rows_of(parse_json(stored.body), call.keys)
        reply = self.fetch(call, offset, size)
        self.spool.add_page("ask", label, cursor, reply.content, reply.received_at, ())
        return [row for row in reply.payload if isinstance(row, dict)]

    def count(self, label: str, call: api.ListCall, guess: int = 0) -> int:
        """Counts the rows of a list by asking for single rows; two requests when `guess` is right.

        The call should ask for `id` only.
        """

        def has(offset: int) -> bool:
            return offset < 0 or bool(self.ask(label, call, offset, 1))

        return count_by_bisection(has, guess)


def count_by_bisection(has: Callable[[int], bool], guess: int = 0) -> int:
    """Returns the number of rows, given a question "is there a row at this offset?"."""
    if guess > 0 and has(guess - 1):
        low, step = guess, 1  # at least `low` rows
    elif guess > 0:
        low, step, high = 0, 1, guess - 1
        # most often a few fewer than guessed
        while high - step > 0 and not has(high - step):
            high -= step
            step *= 4
        low = max(0, high - step + 1) if high - step > 0 else 0
        return _bisect(has, low, high)
    else:
        low, step = 0, 1
    high = low
    while has(high):
        low = high + 1
        high += step
        step *= 4
    return _bisect(has, low, high)


def _bisect(has: Callable[[int], bool], low: int, high: int) -> int:
    # the count is in [low, high]; has(n) means count > n
    while low < high:
        middle = (low + high) // 2
        if has(middle):
            low = middle + 1
        else:
            high = middle
    return low


def _join(target: Row | None, part: Row) -> None:
    if target is None:
        return
    for name, value in part.items():
        if name == "customFieldData" and isinstance(target.get(name), list):
            target[name] = [*target[name], *(value or [])]
        else:
            target[name] = value


def rows_of(body: Any, keys: Iterable[str]) -> list[Row]:
    """Returns the rows of a stored page."""
    if not isinstance(body, dict):
        return []
    found: Any = next((body[key] for key in keys if key in body), [])
    return [row for row in found if isinstance(row, dict)]


@dataclass
class _Walk:
    pager: Pager
    stage: str
    unit: str
    call: api.ListCall
    describe: Callable[[Row], Item | None]
    check: Callable[[Sequence[Row]], None] | None
    parallel: bool
    verify: str
    ahead: dict[int, Future[Sent]] = field(default_factory=dict)
    result: Walked = field(default_factory=Walked)

    def run(self) -> Walked:
        """Walks."""
        if self.pager.spool.state(self.stage, self.unit) == "done":
            return Walked(**(self.pager.spool.note(self.stage, self.unit) or {}))
        parallel = self.parallel and not self.pager.is_split(self.call)
        workers = self.pager.concurrency if parallel else 1
        with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
            try:
                self._steps(pool, workers)
            finally:
                self._store_rest()
        self.pager.spool.mark(self.stage, self.unit, "done", vars(self.result))
        return self.result

    def _page(self, offset: int, suffix: str = "", sent: Sent | None = None) -> list[Row]:
        return self.pager.get_page(
            self.stage,
            self.unit,
            f"{offset}{suffix}",
            self.call,
            offset,
            self.describe,
            check=self.check,
            sent=sent,
        )

    def _next(self, pool: ThreadPoolExecutor, offset: int, width: int) -> list[Row]:
        """Returns the page at this offset and keeps `width` requests in flight.

        The threads only wait for replies. This one parses and stores them: several at once would
        take turns at that all the same, and keep each other from receiving.
        """
        if width > 1:
            step = self.pager.page_size - 1
            for position in range(offset, offset + width * step, step):
                if position not in self.ahead and not self._is_stored(position):
                    self.ahead[position] = pool.submit(self.pager.send, self.call, position)
        waiting = self.ahead.pop(offset, None)
        return self._page(offset, sent=waiting.result() if waiting else None)

    def _is_stored(self, offset: int) -> bool:
        return self.pager.spool.page(self.stage, self.unit, str(offset)) is not None

    def _store_rest(self) -> None:
        """Lets replies that nobody waits for any more reach the spool: they are paid for."""
        wait_for(list(self.ahead.values()))
        for offset, waiting in self.ahead.items():
            with contextlib.suppress(Unfiltered, QuotaPause):
                sent = waiting.result()
                if self.pager.client.is_good(sent, self.call.keys):
                    self._page(offset, sent=sent)

    def _steps(self, pool: ThreadPoolExecutor, workers: int) -> None:
        size = self.pager.page_size
        offset, width = 0, 1
        recent: list[Any] = []
        seen_pages_without_news = steps_back = lies = 0
        seen: set[Any] = set()
        while True:
            rows = self._next(pool, offset, width)
            while self._is_end(offset, len(rows)) and lies < MOST_LIES:
                if not self._goes_on(offset + len(rows)):
                    break
                lies += 1
                rows = self._page(offset, f"!{lies}")
            ids = [self.call.row_id(row) for row in rows]
            if recent and not self.result.unstable and not set(recent[-1:]) & set(ids):
                self.result.moved = True
                steps_back += 1
                if steps_back > MOST_STEPS_BACK:
                    self.result.unstable = True
                else:
                    offset, rows, ids = self._step_back(offset, recent)
            elif recent and not self.result.unstable and ids[0] != recent[-1]:
                self.result.moved = True
            self.result.pages += 1
            news = [each for each in ids if each not in seen]
            seen.update(news)
            self.result.listed = max(self.result.listed, offset + len(rows))
            seen_pages_without_news = 0 if news else seen_pages_without_news + 1
            if self._is_end(offset, len(rows)) or seen_pages_without_news >= 2:
                return
            # only neighbours are compared: what is further back need not be kept
            if len(seen) > 4 * size and not self.result.unstable:
                seen = set(ids) | set(recent)
            recent = ids or recent
            offset += max(1, len(rows) - (0 if self.result.unstable else 1))
            width = min(self.pager.client.useful_at_once(workers), width * 2)

    def _goes_on(self, offset: int) -> bool:
        """Asks whether there is a row where the list seemed to have ended."""
        if not (self.verify == "end" or (self.verify == "empty" and offset == 0)):
            return False
        return bool(self.pager.ask(f"{self.stage}:{self.unit}", self.call, offset, 1))

    def _step_back(self, offset: int, recent: list[Any]) -> tuple[int, list[Row], list[Any]]:
        """Goes back until a page shows a row of the last good page."""
        size = self.pager.page_size
        position = offset
        for attempt in range(1, MOST_STEPS_BACK + 1):
            position = max(0, position - (size - 1))
            rows = self._page(position, f"^{offset}.{attempt}")
            ids = [self.call.row_id(row) for row in rows]
            if position == 0 or set(recent) & set(ids):
                return position, rows, ids
        self.result.unstable = True
        return offset, rows, ids

    def _is_end(self, offset: int, length: int) -> bool:
        if length == 0:
            return True
        if length >= self.pager.page_size:
            return False
        # a page with its anchor only is the end, too
        if offset > 0 and length == 1:
            return True
        if self.pager.cap >= self.pager.page_size:
            return True
        return length not in ROUND_LENGTHS
