"""What happens to replies on their way: limits, faults, scripted events, latency."""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from simulator.api import Clock, Reply, failure
from simulator.switches import SwitchError, Switches

QUOTA_REFRESH_SECONDS = 600
HTML_502 = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center>"
    b"<h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
HTML_503 = HTML_502.replace(b"502 Bad Gateway", b"503 Service Temporarily Unavailable")
HTML_LOGIN = b"<!DOCTYPE html><html><body><form>Planfix: please sign in</form></body></html>"

#: kind of fault: what the client gets
FAULTS: dict[str, str] = {
    "error_500": "500 with code 0",
    "bad_gateway": "502 with an HTML page",
    "unavailable": "503 with an HTML page",
    "timeout": "no reply for timeout_seconds, then the connection closes",
    "reset": "connection reset before any reply",
    "cut": "full Content-Length, half the body, connection closed",
    "truncated": "half the JSON with a matching Content-Length",
    "empty": "200 with an empty body",
    "wrong_type": "the right body labelled text/html",
    "html_200": "200 with an HTML sign-in page",
    "fail_200": '200 with {"result":"fail","code":0}',
    "no_list": "200 success without the list key",
    "empty_page": "200 success with an empty list (a lie no client can see in one reply)",
    "short_page": "200 success with the last half of the rows missing (a lie as well)",
    "quota": "one over-quota reply, spelled as quota_reply says",
    "over_rate": "one over-rate reply, spelled as over_rate says (delay: 429)",
}


def check_fault(kind: str) -> str:
    """Returns the kind.

    Raises:
        SwitchError: it does not exist.
    """
    if kind not in FAULTS:
        raise SwitchError(f"there is no fault {kind}; known: {', '.join(FAULTS)}")
    return kind


@dataclass
class Step:
    """One line of a scripted plan.

    Attributes:
        path: regular expression of the paths that count.
        at: the step fires before the at-th matching request is answered (1 is the next one).
        times: for how many matching requests in a row.
        every: fires again after so many matching requests; 0 = never.
        fault: fault for these requests, or empty.
        actions: control actions to run first, as (name, arguments).
    """

    path: re.Pattern[str]
    at: int
    times: int = 1
    every: int = 0
    fault: str = ""
    actions: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    seen: int = 0
    fired: int = 0

    @staticmethod
    def parse(shape: dict[str, Any]) -> Step:
        """Reads a step from JSON.

        Raises:
            SwitchError: it is malformed.
        """
        try:
            return Step(
                path=re.compile(str(shape.get("path", ""))),
                at=int(shape.get("at", 1)),
                times=int(shape.get("times", 1)),
                every=int(shape.get("every", 0)),
                fault=check_fault(shape["fault"]) if shape.get("fault") else "",
                actions=[(str(name), dict(args)) for name, args in shape.get("do", [])],
            )
        except (TypeError, ValueError, re.error) as error:
            raise SwitchError(f"malformed plan step: {error}") from error

    def hits(self, path: str) -> bool:
        """Counts a request and tells whether the step fires for it."""
        if not self.path.search(path):
            return False
        self.seen += 1
        if self.every:
            due = self.seen >= self.at and (self.seen - self.at) % self.every < self.times
        else:
            due = self.at <= self.seen < self.at + self.times
        self.fired += due
        return due


@dataclass
class Verdict:
    """What is to be done with one request.

    Attributes:
        refusal: reply to send instead of asking the API.
        fault: fault to apply.
        wait_seconds: delay before answering.
    """

    refusal: Reply | None = None
    fault: str = ""
    wait_seconds: float = 0.0


class Disturbances:
    """Limits and faults of one simulator."""

    def __init__(self, switches: Switches, clock: Clock, seed: int) -> None:
        self.switches = switches
        self.clock = clock
        self.steps: list[Step] = []
        self.used_today = 0
        self.refused = 0
        self.faults: Counter[str] = Counter()
        self._rng = random.Random(f"faults:{seed}")
        self._lock = threading.Lock()
        self._next_slot = 0.0
        self._reset_at = clock.now() + int(switches.number("quota_reset_seconds"))
        self._shown_remaining = int(switches.number("quota_limit"))
        self._shown_at = 0
        self._in_a_row: dict[tuple[str, bytes], int] = {}
        self._refusals = 0

    # plan -------------------------------------------------------------------------------------

    def due_steps(self, path: str) -> list[Step]:
        """Counts a request against the plan and returns the steps that fire."""
        with self._lock:
            return [step for step in self.steps if step.hits(path)]

    # quota ------------------------------------------------------------------------------------

    def set_quota_used(self, used: int) -> None:
        """Sets how many requests of today are gone."""
        self.used_today = used
        self._shown_at = 0

    def restart_day(self) -> None:
        """Starts the day again, with the reset as far away as the switch says."""
        self._reset_at = self.clock.now() + int(self.switches.number("quota_reset_seconds"))
        self.set_quota_used(0)

    def seconds_to_reset(self) -> int:
        """Returns the seconds until the daily reset."""
        now = self.clock.now()
        if now >= self._reset_at:
            days = (now - self._reset_at) // 86_400 + 1
            self._reset_at += days * 86_400
            self.set_quota_used(0)
        return max(1, self._reset_at - now)

    def headers(self) -> dict[str, str]:
        """Returns the X-RateLimit headers; the remainder is refreshed every ten minutes."""
        kind = self.switches.text("rate_headers")
        if kind == "none":
            return {}
        now = self.clock.now()
        if now - self._shown_at >= QUOTA_REFRESH_SECONDS:
            self._shown_at = now
            limit = int(self.switches.number("quota_limit"))
            self._shown_remaining = max(0, limit - self.used_today)
        shown = {"X-RateLimit-Remaining": str(self._shown_remaining)}
        if kind == "both":
            shown["X-RateLimit-Reset"] = str(self.seconds_to_reset())
        return shown

    def _quota_refusal(self) -> Reply:
        seconds = self.seconds_to_reset()
        kind = self.switches.text("quota_reply")
        if kind == "rotate":
            kind = ("fail_200", "http_403", "http_429")[self._refusals % 3]
        self._refusals += 1
        if kind == "fail_200":
            text = f"Rest API billing - rate limit exceeded, remaining:0, timeToReset:{seconds}"
            return Reply(200, failure(1, text))
        if kind == "http_403":
            unit = 1000 if self.switches.text("quota_reset_unit") == "milliseconds" else 1
            body = {**failure(22, "Daily request limit used up"), "timeToReset": seconds * unit}
            return Reply(403, body)
        return Reply(429, b"Too Many Requests", {"Content-Type": "text/plain"})

    def _rate_refusal(self) -> Reply:
        kind = self.switches.text("over_rate")
        if kind == "fail_200":
            return Reply(200, failure(22, "Rest API billing - rate limit exceeded"))
        if kind == "http_403":
            body = {**failure(22, "Rest API billing - rate limit exceeded"), "timeToReset": 1}
            return Reply(403, body)
        return Reply(429, b"Too Many Requests", {"Content-Type": "text/plain"})

    # one request ------------------------------------------------------------------------------

    def judge(self, path: str, body: bytes, planned: str) -> Verdict:
        """Decides what happens to a request that carries a good token.

        Args:
            path: path below /rest.
            body: raw request body.
            planned: fault that the plan asks for, or empty.
        """
        with self._lock:
            verdict = Verdict(wait_seconds=self.switches.number("latency_ms") / 1000)
            self.seconds_to_reset()
            limit = self.switches.number("quota_limit")
            if self.switches.is_on("quota_enforced") and self.used_today >= limit:
                self.refused += 1
                verdict.refusal = self._quota_refusal()
                return verdict
            rate = self.switches.number("rate_limit")
            if rate > 0:
                now = time.monotonic()
                if now < self._next_slot:
                    if self.switches.text("over_rate") != "delay":
                        self.refused += 1
                        verdict.refusal = self._rate_refusal()
                        return verdict
                    verdict.wait_seconds += self._next_slot - now
                self._next_slot = max(now, self._next_slot) + 1 / rate
            self.used_today += 1
            fault = planned or self._random_fault(path, body)
            if fault:
                self.faults[fault] += 1
            if fault == "quota":
                verdict.refusal = self._quota_refusal()
            elif fault == "over_rate":
                verdict.refusal = self._rate_refusal()
            else:
                verdict.fault = fault
            return verdict

    def _random_fault(self, path: str, body: bytes) -> str:
        plan = self.switches.text("faults")
        if not plan:
            return ""
        pattern = self.switches.text("fault_path")
        if pattern and not re.search(pattern, path):
            return ""
        draw = self._rng.random()
        key = (path, body)
        for part in plan.split(","):
            kind, _, share = part.partition(":")
            draw -= float(share or 0)
            if draw < 0:
                if self._in_a_row.get(key, 0) >= self.switches.number("fault_repeats"):
                    break
                self._in_a_row[key] = self._in_a_row.get(key, 0) + 1
                return check_fault(kind.strip())
        self._in_a_row.pop(key, None)
        return ""


def spoil(fault: str, reply: Reply) -> Reply:
    """Applies a fault that changes the reply itself; the others are the socket's business."""
    if fault == "error_500":
        return Reply(500, failure(0, "Rest API error"))
    if fault == "bad_gateway":
        return Reply(502, HTML_502, {"Content-Type": "text/html"})
    if fault == "unavailable":
        return Reply(503, HTML_503, {"Content-Type": "text/html"})
    if fault == "empty":
        return Reply(200, b"")
    if fault == "wrong_type":
        return Reply(reply.status, reply.body(), {"Content-Type": "text/html; charset=utf-8"})
    if fault == "html_200":
        return Reply(200, HTML_LOGIN, {"Content-Type": "text/html"})
    if fault == "fail_200":
        return Reply(200, failure(0, "Rest API error"))
    if fault == "truncated":
        body = reply.body()
        return Reply(reply.status, body[: len(body) // 2])
    if fault in {"no_list", "empty_page", "short_page"} and isinstance(reply.payload, dict):
        payload = dict(reply.payload)
        for key, value in list(payload.items()):
            if isinstance(value, list):
                if fault == "no_list":
                    del payload[key]
                else:
                    payload[key] = [] if fault == "empty_page" else value[: len(value) // 2]
        return Reply(reply.status, payload)
    return reply
