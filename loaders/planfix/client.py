"""Everything HTTP: transport, pacing, limits, retries and the meaning of every kind of reply.

Built on dlt's `RESTClient`. A reply counts only when its envelope says `"result": "success"` and
holds the expected key; anything else is a limit (waited out or turned into a pause), a passing
fault (retried) or a refusal (raised). So an error page is never mistaken for an empty one.
Messages carry paths with the ids taken out, codes and counts; never a body, never the token.
"""

from __future__ import annotations

import json
import math
import random
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
import requests
from dlt.sources.helpers.requests import Client as DltRequests
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from loaders.errors import ExtractPaused, SourceError
from loaders.planfix.settings import PlanfixSettings

DOCUMENTED_RATE = 1.0
SAMPLE_HEADER = "X-Riderra-Sample"
QUOTA_CODE = 22
BUSY_CODE = 3
TOKEN_CODES = {1, 2, 16}
ACCOUNT_CODES = {10: "blocked", 11: "frozen", 20: "not paid for", 21: "on the free plan"}
SCOPE_CODE = 5
RIGHTS_CODE = 6
MISSING_CODES = {1000, 2000, 3000, 4000, 5000, 6000, 8000}
DAY = 86_400
SHORT_RESET = 60.0
# waits after limit replies that do not say how long
BLIND_WAITS = (2.0, 5.0, 15.0, 40.0)
# pauses between tries after passing faults
FAULT_WAITS = (0.5, 1.0, 2.0, 5.0, 15.0, 30.0, 60.0)
FIRST_CONTACT_TRIES = 3
CONTENT_PART = 1 << 20

_TIME_TO_RESET = re.compile(r"timeToReset\D{0,3}(\d+)", re.IGNORECASE)
_LIMIT_TEXT = re.compile(r"rate\s*limit\s*exceeded|too many requests", re.IGNORECASE)
_IDS = re.compile(r"\d+")


class PlanfixRefusal(SourceError):
    """Planfix understood the request and refuses it.

    Attributes:
        status: HTTP status.
        code: Planfix's error code, if the body had one.
        kind: `token`, `account`, `scope`, `rights`, `missing`, `input` or `fault`.
    """

    def __init__(self, message: str, *, status: int, code: int | None, kind: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.kind = kind


class QuotaPause(ExtractPaused):
    """The wait is longer than the run may sleep, or the budget is spent.

    Attributes:
        reason: what ran out.
        resume_at: earliest useful time, if known.
    """

    def __init__(self, reason: str, resume_at: datetime | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.resume_at = resume_at


class _Fault(Exception):
    """A reply that says nothing about the request: try again."""


@dataclass(frozen=True)
class Limit:
    """A reply that says "too much".

    Attributes:
        wait: seconds to the reset, None when the reply does not say.
        other_wait: the same number read in milliseconds, where the unit is unsure.
        is_daily: the daily quota rather than the rate.
    """

    wait: float | None
    other_wait: float | None
    is_daily: bool


@dataclass(frozen=True)
class Sent:
    """What came back for one request, not looked at yet.

    Attributes:
        status: HTTP status, 0 when nothing came back.
        headers: response headers, names in lower case.
        content: the raw body.
        fault: why nothing came back.
        started: when it was sent, by the pacer's clock.
        seconds: how long it took.
    """

    status: int
    headers: dict[str, str]
    content: bytes
    fault: str | None
    started: float
    seconds: float


@dataclass
class Reply:
    """An accepted reply.

    Attributes:
        payload: value of the expected key.
        body: the whole envelope.
        headers: response headers.
        received_at: when it arrived.
        seconds: how long it took.
        content: the raw body.
    """

    payload: Any
    body: dict[str, Any]
    headers: dict[str, str]
    received_at: datetime
    seconds: float
    content: bytes


def parse_json(content: bytes) -> Any:
    """Parses a body; falls back to the lenient parser for what orjson refuses.

    Raises:
        ValueError: when it is no JSON.
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        # numbers beyond 64 bits, lone surrogates, a byte order mark
        return json.loads(content.decode("utf-8-sig"))


def limit_in(status: int, headers: dict[str, str], body: Any) -> Limit | None:
    """Recognises every known spelling of "over the limit", else returns None."""
    envelope = body if isinstance(body, dict) else {}
    code = envelope.get("code")
    text = str(envelope.get("error") or envelope.get("message") or "")
    failed = envelope.get("result") != "success"
    by_text = failed and bool(_LIMIT_TEXT.search(text))
    by_code = failed and code == QUOTA_CODE
    if not (status == 429 or by_code or by_text):
        return None
    remaining = _whole(headers.get("x-ratelimit-remaining"))
    reset = _whole(headers.get("x-ratelimit-reset"))
    is_daily = by_code or by_text or remaining == 0
    found = _TIME_TO_RESET.search(text)
    if found:
        return Limit(float(found.group(1)), None, is_daily)
    key = envelope.get("timeToReset")
    if isinstance(key, int | float) and not isinstance(key, bool) and key >= 0:
        if key > DAY:
            return Limit(key / 1000, None, is_daily)
        # one witness read values above 1000 as milliseconds and was not sure
        return Limit(float(key), key / 1000 if key > 1000 else None, is_daily)
    retry_after = _whole(headers.get("retry-after"))
    if retry_after is not None:
        return Limit(float(retry_after), None, is_daily)
    # the header counts down to the daily reset: it says nothing about a mere excess of speed
    if reset is not None and (is_daily or remaining is None):
        return Limit(float(reset), None, is_daily)
    return Limit(None, None, is_daily)


def _whole(text: str | None) -> int | None:
    try:
        return max(0, int(float(text))) if text is not None else None
    except ValueError:
        return None


class Pacer:
    """Spaces requests evenly, over all threads, and slows down when told so."""

    def __init__(
        self,
        rate: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Sets the pace; rate 0 means none."""
        self.interval = 1 / rate if rate > 0 else 0.0
        self._clock = clock
        self._sleep = sleep
        self._next = 0.0
        self._slowed_at = -1e9
        self._lock = threading.Lock()

    def acquire(self) -> None:
        """Waits for this request's turn."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self.interval
        if turn > now:
            self._sleep(turn - now)

    def slow_down(self, rate: float, started: float | None = None) -> None:
        """Lowers the pace: to `rate` at first, by half when that was already the pace.

        `started` is when the refused request was sent: at the pace of then.
        """
        with self._lock:
            now = self._clock()
            # one refusal counts once, however many requests were in flight
            if now - self._slowed_at < 3 * self.interval:
                return
            if started is not None and started < self._slowed_at:
                return
            self._slowed_at = now
            if self.interval < 1 / rate:
                self.interval = 1 / rate
            else:
                self.interval = min(self.interval * 2, 10 / rate)

    def pause(self, seconds: float) -> None:
        """Lets nobody send for this long."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)


@dataclass
class Meter:
    """What was spent, and what may be spent.

    Attributes:
        sent: HTTP requests of this invocation.
        budget: most requests of this invocation, None for no bound.
        remaining: the account's requests left today, by the last reply that said it.
        reset_seconds: seconds to the daily reset, by the last reply that said it.
        reserve: requests of the day left to the account's other integrations.
        by_path: requests sent per call.
        on_take: told about each request.
    """

    budget: int | None = None
    reserve: int = 0
    sent: int = 0
    remaining: int | None = None
    reset_seconds: int | None = None
    by_path: dict[str, int] = field(default_factory=dict)
    on_take: Callable[[], None] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, path: str) -> None:
        """Counts one request before it is sent.

        Raises:
            QuotaPause: when the budget or the share of the day is spent.
        """
        with self.lock:
            if self.budget is not None and self.sent >= self.budget:
                raise QuotaPause(f"the budget of {self.budget:,} requests is spent", None)
            if self.reserve and self.remaining is not None and self.remaining <= self.reserve:
                raise QuotaPause(
                    f"only {self.remaining:,} requests are left today, "
                    f"{self.reserve:,} are kept for others",
                    _after(self.reset_seconds),
                )
            self.sent += 1
            name = _IDS.sub("N", path)
            self.by_path[name] = self.by_path.get(name, 0) + 1
        if self.on_take:
            self.on_take()

    def note(self, headers: dict[str, str]) -> None:
        """Takes the account's counters from a reply."""
        remaining = _whole(headers.get("x-ratelimit-remaining"))
        reset = _whole(headers.get("x-ratelimit-reset"))
        with self.lock:
            if remaining is not None:
                self.remaining = remaining
            if reset is not None:
                self.reset_seconds = reset


def _after(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)


class PlanfixClient:
    """Calls the API of one account, from any number of threads."""

    def __init__(
        self,
        settings: PlanfixSettings,
        *,
        rate: float | None = None,
        meter: Meter | None = None,
        on_sample: Callable[[], None] | None = None,
        on_wait: Callable[[float, str], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepares the client; nothing is sent yet.

        Args:
            settings: account, token and limits.
            rate: requests a second, 0 for no pace; default: the set share of the documented one.
            meter: counters and budget.
            on_sample: called once when the server says that it serves sample data.
            on_wait: told about waits of more than a few seconds.
            sleep: replaced in tests.
        """
        self.settings = settings
        self.meter = meter or Meter()
        if rate is None:
            rate = settings.requests_per_second
        if rate is None:
            rate = DOCUMENTED_RATE * settings.quota_share
        self.pacer = Pacer(rate, sleep=sleep)
        self.is_sample = False
        self.was_reached = False
        self.clock_skew = timedelta()
        self.limit_replies = 0
        # of the last request
        self.reply_seconds = 0.0
        self._on_sample = on_sample
        self._on_wait = on_wait
        self._requests = DltRequests(
            request_timeout=settings.timeout,
            raise_for_status=False,
            # one try each: this module knows better which replies are worth another
            request_max_attempts=1,
            status_codes=(),
            exceptions=(),
            # a proxy of the environment cannot reach this machine's loopback
            session_attrs={"trust_env": not settings.is_loopback},
        )
        self._local = threading.local()

    def set_rate(self, rate: float) -> None:
        """Changes the pace; 0 means none."""
        self.pacer.interval = 1 / rate if rate > 0 else 0.0

    def now(self) -> datetime:
        """Returns the server's time, as far as its Date headers tell it."""
        return datetime.now(UTC) + self.clock_skew

    def get(
        self, path: str, key: str | Sequence[str], params: dict[str, Any] | None = None, **kw: Any
    ) -> Reply:
        """Sends a GET; see `call`."""
        return self.call("GET", path, key, params=params, **kw)

    def post(
        self, path: str, key: str | Sequence[str], body: dict[str, Any] | None = None, **kw: Any
    ) -> Reply:
        """Sends a POST (reads only: every call of this project is one); see `call`."""
        return self.call("POST", path, key, body=body or {}, **kw)

    def call(
        self,
        method: str,
        path: str,
        key: str | Sequence[str],
        *,
        body: dict[str, Any] | None = None,
        params: dict[str, Any] | None = None,
        expect: type = list,
        timeout: float | None = None,
        tries: int | None = None,
        sent: Sent | None = None,
    ) -> Reply:
        """Sends one request until it is answered.

        Args:
            method: GET or POST.
            path: below the base URL, without a leading slash.
            key: name (or alternative names) of the payload in the envelope; empty for none.
            body: JSON body.
            params: query parameters.
            expect: type of the payload, `list` or `dict`.
            timeout: seconds, default from the settings.
            tries: most tries after passing faults.
            sent: the first try, when it was sent ahead.

        Raises:
            PlanfixRefusal: when Planfix refuses, or faults do not pass.
            QuotaPause: when the wait is too long or the budget is spent.
        """
        keys = (key,) if isinstance(key, str) else tuple(key)
        faults = limits = 0
        tried_short = False
        while True:
            found = sent or self.send(method, path, body=body, params=params, timeout=timeout)
            sent = None
            status, headers, fault = found.status, found.headers, found.fault
            if fault is None:
                self._note(headers)
                parsed, fault = self._parsed(status, found.content)
                limit = limit_in(status, headers, parsed)
                if limit:
                    limits += 1
                    tried_short = self._wait_for(limit, limits, tried_short, found.started)
                    continue
                if fault is None:
                    fault = self._judge(method, path, status, parsed)
                if fault is None:
                    payload = next((parsed[k] for k in keys if k in parsed), None)
                    if not any(keys) or isinstance(payload, expect):
                        return Reply(
                            payload, parsed, headers, self.now(), found.seconds, found.content
                        )
                    fault = f"a success without {keys[0]}"
            faults += 1
            few = not self.was_reached or status in {404, 405}
            most = tries or (FIRST_CONTACT_TRIES if few else len(FAULT_WAITS))
            if faults >= most:
                raise PlanfixRefusal(
                    self._fault_message(path, fault, faults), status=status, code=None, kind="fault"
                )
            wait = FAULT_WAITS[min(faults, len(FAULT_WAITS)) - 1]
            self._pause(wait * random.uniform(0.8, 1.2), f"retry after {fault}")  # noqa: S311

    def send(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        params: dict[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Sent:
        """Sends one request, in its turn, and waits for what comes back.

        Raises:
            QuotaPause: when the budget is spent; nothing was sent.
        """
        self.pacer.acquire()
        self.meter.take(path)
        started = time.monotonic()
        status, headers, content, fault = self._send(method, path, body, params, timeout)
        seconds = time.monotonic() - started
        self.reply_seconds = seconds
        return Sent(status, headers, content, fault, started, seconds)

    def useful_at_once(self, most: int) -> int:
        """Returns how many requests in flight help: a paced one comes when its turn comes."""
        if self.pacer.interval <= 0:
            return most
        return max(1, min(most, math.ceil(self.reply_seconds / self.pacer.interval)))

    def is_good(self, sent: Sent, keys: Sequence[str]) -> bool:
        """Tells whether `call` would accept a reply without sending another request."""
        parsed, fault = self._parsed(sent.status, sent.content)
        return (
            sent.fault is None
            and fault is None
            and limit_in(sent.status, sent.headers, parsed) is None
            and sent.status // 100 == 2
            and parsed.get("result") == "success"
            and isinstance(next((parsed[k] for k in keys if k in parsed), None), list)
        )

    def _rest(self) -> RESTClient:
        found: RESTClient | None = getattr(self._local, "rest", None)
        if found is None:
            found = self._local.rest = RESTClient(
                base_url=self.settings.base_url,
                headers={"Accept": "application/json", "Content-Type": "application/json"},
                auth=BearerTokenAuth(token=self.settings.token),
                session=self._requests.session,
            )
        return found

    def _send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        params: dict[str, Any] | None,
        timeout: float | None,
    ) -> tuple[int, dict[str, str], bytes, str | None]:
        try:
            response = self._rest().request(
                path,
                method=method,
                json=body,
                params=params,
                timeout=(min(20.0, self.settings.timeout), timeout or self.settings.timeout),
                allow_redirects=False,
                stream=True,
            )
            # in large parts: the default of 10 kB costs more than parsing
            content = b"".join(response.iter_content(CONTENT_PART))
        except requests.exceptions.SSLError:
            return 0, {}, b"", "a TLS error"
        except requests.exceptions.Timeout:
            return 0, {}, b"", "a timeout"
        except (requests.exceptions.RequestException, OSError, ValueError) as error:
            return 0, {}, b"", _network_fault(error)
        self.was_reached = True
        headers = {name.lower(): value for name, value in response.headers.items()}
        return response.status_code, headers, content, None

    def _note(self, headers: dict[str, str]) -> None:
        self.meter.note(headers)
        if "date" in headers:
            try:
                sent = parsedate_to_datetime(headers["date"])
                skew = sent - datetime.now(UTC)
                # the header has whole seconds: small differences are rounding
                self.clock_skew = skew if abs(skew) > timedelta(seconds=30) else timedelta()
            except (TypeError, ValueError):
                pass
        if SAMPLE_HEADER.lower() in headers and not self.is_sample:
            self.is_sample = True
            if self._on_sample:
                self._on_sample()

    @staticmethod
    def _parsed(status: int, content: bytes) -> tuple[Any, str | None]:
        if not content.strip():
            return None, f"an empty body (HTTP {status})"
        try:
            parsed = parse_json(content)
        except (ValueError, RecursionError):
            return None, f"a reply that is no JSON (HTTP {status})"
        if not isinstance(parsed, dict):
            return parsed, f"a reply without envelope (HTTP {status})"
        return parsed, None

    def _judge(self, method: str, path: str, status: int, body: dict[str, Any]) -> str | None:
        """Returns None for a good envelope or the passing fault; raises for a refusal."""
        if status // 100 == 2 and body.get("result") == "success":
            return None
        code = body.get("code")
        code = code if isinstance(code, int) and not isinstance(code, bool) else None
        name = _IDS.sub("N", path)
        if code == BUSY_CODE:
            return "code 3 (object is being modified)"
        if status >= 500 and code not in MISSING_CODES | {SCOPE_CODE, RIGHTS_CODE}:
            return f"HTTP {status}" + (f", code {code}" if code is not None else "")
        if status // 100 == 2 and body.get("result") not in {"fail", "success"}:
            return "a reply without result"
        if status // 100 == 2 and code in {None, 0}:
            return f'a "fail" in HTTP {status}' + ("" if code is None else f", code {code}")

        def refusal(kind: str, text: str) -> PlanfixRefusal:
            where = f" ({method} {name}: HTTP {status}"
            where += f", code {code})" if code is not None else ")"
            return PlanfixRefusal(text + where, status=status, code=code, kind=kind)

        if status == 401 or code in TOKEN_CODES:
            raise refusal(
                "token",
                "Planfix does not accept the token: check PLANFIX_TOKEN, that it is switched on "
                "in Account management, API access, and that its owner is active",
            )
        if code in ACCOUNT_CODES:
            raise refusal(
                "account",
                f"the Planfix account is {ACCOUNT_CODES[code]}: its owner must settle that first",
            )
        if code == SCOPE_CODE:
            raise refusal("scope", f"the token lacks the scope for {name}: add it to the token")
        if code in MISSING_CODES or status == 404:
            raise refusal("missing", f"Planfix has no such thing as {name}")
        if status == 403 or code == RIGHTS_CODE:
            raise refusal(
                "rights", f"the token's owner may not read {name}: use a token of a robot"
            )
        raise refusal("input", f"Planfix refuses the request {name}")

    def _wait_for(self, limit: Limit, count: int, tried_short: bool, started: float) -> bool:
        """Waits a limit out, or raises; returns whether the doubtful short wait was tried."""
        self.limit_replies += 1
        # a reset within the minute, or none told, may be the rate's whatever the reply calls it
        if not limit.is_daily or limit.wait is None or limit.wait <= SHORT_RESET:
            self.pacer.slow_down(DOCUMENTED_RATE * self.settings.quota_share, started)
        most = self.settings.max_wait
        if limit.other_wait is not None and not tried_short and limit.other_wait <= most:
            self._pause(limit.other_wait + 1, "over the limit")
            return True
        what = "the daily request limit is used up" if limit.is_daily else "the limit is exceeded"
        if limit.wait is None:
            if count > len(BLIND_WAITS):
                # so many refusals in a row are no matter of speed
                when = _after(self.meter.reset_seconds)
                raise QuotaPause(f"{what} and Planfix does not say for how long", when)
            wait = BLIND_WAITS[count - 1]
            if wait > most:
                raise QuotaPause(what, None)
        else:
            # a reset that never comes true is as good as an unknown one
            if limit.wait > most or count > 3 * len(BLIND_WAITS):
                raise QuotaPause(what, _after(limit.wait))
            wait = limit.wait + 0.5
        self._pause(wait, "over the limit")
        return tried_short

    def _pause(self, seconds: float, why: str) -> None:
        if self._on_wait and seconds >= 5:
            self._on_wait(seconds, why)
        # the next turn, of whichever thread, comes after it
        self.pacer.pause(seconds)

    def _fault_message(self, path: str, fault: str, count: int) -> str:
        name = _IDS.sub("N", path)
        if not self.was_reached:
            return (
                f"cannot reach Planfix at {self.settings.base_url} ({fault}, {count} tries): check "
                "PLANFIX_BASE_URL (or PLANFIX_ACCOUNT) and the network."
            )
        return (
            f"Planfix answers {name} with {fault}, {count} times in a row: if every call fails, "
            "check that PLANFIX_BASE_URL ends with /rest/; otherwise try again later, what was "
            "fetched is kept."
        )


def _network_fault(error: BaseException) -> str:
    text = str(error)
    if "NameResolution" in text or "getaddrinfo" in text or "Name or service" in text:
        return "its name does not resolve"
    if "refused" in text.lower():
        return "connection refused"
    if "IncompleteRead" in text:
        return "a truncated reply"
    return "a broken connection"
