"""What each kind of reply means: limits in every spelling, faults, refusals."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import requests.adapters
from urllib3.response import HTTPResponse

from loaders.planfix import client as module
from loaders.planfix import settings as planfix_settings
from loaders.planfix.client import Meter, PlanfixClient, PlanfixRefusal, QuotaPause, limit_in

TOKEN = "0123456789abcdef0123456789abcdef"
SUCCESS = {"result": "success", "contacts": []}


class Script(requests.adapters.HTTPAdapter):
    """Answers with prepared replies, in order."""

    def __init__(self, replies: list[Any]) -> None:
        super().__init__()
        self.replies = replies
        self.sent: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        self.sent.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        status, body, headers = reply
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        raw = HTTPResponse(
            body=_stream(content), status=status, headers=headers, preload_content=False
        )
        return self.build_response(request, raw)


def _stream(content: bytes) -> Any:
    import io

    return io.BytesIO(content)


class Bench:
    """A client whose server is a script and whose clock is a list of waits."""

    def __init__(self, *replies: Any, max_wait: float = 300, budget: int | None = None) -> None:
        settings = planfix_settings.read(
            {
                "PLANFIX_BASE_URL": "https://example.planfix.com/rest/",
                "PLANFIX_TOKEN": TOKEN,
                "PLANFIX_REQUESTS_PER_SECOND": "0",
                "PLANFIX_MAX_WAIT": str(max_wait),
            }
        )
        self.waits: list[float] = []
        self.client = PlanfixClient(settings, meter=Meter(budget=budget), sleep=self.waits.append)
        self.script = Script([reply if _is_reply(reply) else (200, reply, {}) for reply in replies])
        session = self.client._requests.session
        session.mount("https://", self.script)

    def list(self) -> Any:
        return self.client.post("contact/list", "contacts", {"offset": 0}).payload


def _is_reply(reply: Any) -> bool:
    return isinstance(reply, tuple | Exception)


def limit(status: int, body: dict[str, Any], **headers: str) -> Any:
    return (status, body, {name.replace("_", "-"): value for name, value in headers.items()})


TEXT = "Rest API billing - rate limit exceeded, remaining:0, timeToReset:{}"


@pytest.mark.parametrize(
    ("status", "headers", "body", "wait", "is_daily"),
    [
        (200, {}, {"result": "fail", "code": 1, "error": TEXT.format(57283)}, 57283, True),
        (200, {}, {"result": "fail", "code": 0, "error": "Rate Limit Exceeded"}, None, True),
        (403, {}, {"result": "fail", "code": 22, "timeToReset": 90}, 90, True),
        (403, {}, {"result": "fail", "code": 22, "timeToReset": 57283000}, 57283, True),
        (200, {}, {"result": "fail", "code": 22}, None, True),
        (429, {}, None, None, False),
        (429, {"retry-after": "7"}, None, 7, False),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "3600"}, None, 3600, True),
        # plenty left today: the reset of the day says nothing about an excess of speed
        (429, {"x-ratelimit-remaining": "900", "x-ratelimit-reset": "3600"}, None, None, False),
    ],
)
def test_every_spelling_of_over_the_limit_is_recognised(
    status: int, headers: dict[str, str], body: Any, wait: float | None, is_daily: bool
) -> None:
    found = limit_in(status, headers, body)
    assert found is not None
    assert found.wait == wait
    assert found.is_daily is is_daily


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, SUCCESS),
        (403, {"result": "fail", "code": 6, "error": "Not permitted"}),
        (500, {"result": "fail", "code": 0, "error": "Rest API error"}),
        # a record may quote the words
        (200, {"result": "success", "contacts": [{"error": "rate limit exceeded"}]}),
    ],
)
def test_other_replies_are_no_limit(status: int, body: Any) -> None:
    assert limit_in(status, {}, body) is None


def test_a_short_wait_is_waited_out() -> None:
    bench = Bench(
        limit(200, {"result": "fail", "code": 1, "error": TEXT.format(40)}),
        {"result": "success", "contacts": [{"id": 1}]},
    )
    assert bench.list() == [{"id": 1}]
    assert bench.waits == pytest.approx([40.5], abs=0.1)


def test_a_long_wait_pauses_with_the_time_to_resume() -> None:
    bench = Bench(limit(200, {"result": "fail", "code": 1, "error": TEXT.format(57283)}))
    with pytest.raises(QuotaPause) as pause:
        bench.list()
    assert bench.waits == []
    assert pause.value.exit_code == 4
    assert pause.value.resume_at is not None
    ahead = pause.value.resume_at - datetime.now(UTC)
    assert abs(ahead - timedelta(seconds=57283)) < timedelta(seconds=5)


def test_a_reset_of_unsure_unit_is_tried_in_milliseconds_once() -> None:
    refusal = limit(403, {"result": "fail", "code": 22, "timeToReset": 30000})
    bench = Bench(refusal, SUCCESS)
    assert bench.list() == []
    assert bench.waits == pytest.approx([31.0], abs=0.1)
    bench = Bench(refusal, refusal)
    with pytest.raises(QuotaPause) as pause:
        bench.list()
    assert pause.value.resume_at is not None
    assert bench.waits == pytest.approx([31.0], abs=0.1)


def test_a_limit_that_says_nothing_is_tried_a_few_times_only() -> None:
    bench = Bench(*[limit(429, {})] * 10)
    with pytest.raises(QuotaPause):
        bench.list()
    # the clock of the test stands still: each turn waits for all pauses so far
    assert bench.waits == pytest.approx(list(module.BLIND_WAITS), abs=0.1)
    assert len(bench.script.sent) == len(module.BLIND_WAITS) + 1


def test_too_much_speed_lowers_the_pace_for_good() -> None:
    bench = Bench(limit(429, {}, X_RateLimit_Remaining="900"), SUCCESS)
    bench.list()
    assert bench.client.pacer.interval == pytest.approx(1.25)


HTML = b"<html><body>502 Bad Gateway</body></html>"


@pytest.mark.parametrize(
    "fault",
    [
        (502, HTML, {"Content-Type": "text/html"}),
        (200, HTML, {"Content-Type": "text/html"}),
        (200, b"", {}),
        (200, b'{"result":"success","contacts":[{"id":1', {}),
        (200, {"result": "fail", "code": 0, "error": "Rest API error"}, {}),
        (200, {"result": "success"}, {}),
        (200, {"result": "success", "contacts": None}, {}),
        (200, {"contacts": []}, {}),
        (200, ["success"], {}),
        (202, b"", {}),
        (500, {"result": "fail", "code": 0, "error": "Rest API error"}, {}),
        (400, {"result": "fail", "code": 3, "error": "busy"}, {}),
        requests.exceptions.ConnectionError("Connection reset by peer"),
        requests.exceptions.ReadTimeout("read timed out"),
        requests.exceptions.ChunkedEncodingError("IncompleteRead(10 bytes read)"),
    ],
)
def test_a_fault_is_never_an_empty_page(fault: Any) -> None:
    bench = Bench(SUCCESS, fault, {"result": "success", "contacts": [{"id": 5}]})
    bench.list()
    assert bench.list() == [{"id": 5}]


def test_a_fault_that_stays_ends_in_one_clear_error() -> None:
    bench = Bench(SUCCESS, *[(502, HTML, {})] * 20)
    bench.list()
    with pytest.raises(PlanfixRefusal) as refusal:
        bench.list()
    assert refusal.value.kind == "fault"
    assert "what was fetched is kept" in str(refusal.value)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, 1, "token"),
        (200, 2, "token"),
        (403, 6, "rights"),
        (405, 5, "scope"),
        (200, 5, "scope"),
        (404, 2000, "missing"),
        (500, 1000, "missing"),
        (400, 41, "input"),
        (400, 0, "input"),
        (403, 21, "account"),
    ],
)
def test_a_refusal_is_not_tried_again(status: int, code: int, kind: str) -> None:
    body = {"result": "fail", "code": code, "error": "Vera Tutova +1 202 555 0143"}
    bench = Bench((status, body, {}))
    with pytest.raises(PlanfixRefusal) as refusal:
        bench.list()
    assert refusal.value.kind == kind
    assert len(bench.script.sent) == 1
    text = str(refusal.value)
    # neither the token nor what the server wrote about a person
    assert TOKEN not in text
    assert "Tutova" not in text
    assert "555" not in text


def test_an_address_nobody_answers_is_named() -> None:
    bench = Bench(*[requests.exceptions.ConnectionError("Connection refused")] * 5)
    with pytest.raises(PlanfixRefusal, match=r"cannot reach Planfix at https://example\.planfix"):
        bench.list()


def test_a_redirect_is_not_followed_with_the_token() -> None:
    moved = (302, b"<html/>", {"Location": "https://elsewhere.example/rest/"})
    bench = Bench(*[moved] * 10)
    with pytest.raises(PlanfixRefusal):
        bench.list()
    assert {request.url for request in bench.script.sent} == {
        "https://example.planfix.com/rest/contact/list"
    }


def test_the_budget_counts_every_request_sent() -> None:
    bench = Bench(SUCCESS, (502, HTML, {}), SUCCESS, SUCCESS, budget=3)
    bench.list()
    bench.list()
    with pytest.raises(QuotaPause, match="budget of 3 requests"):
        bench.list()
    assert len(bench.script.sent) == 3


def test_the_share_of_the_day_is_kept_for_others() -> None:
    bench = Bench((200, SUCCESS, {"X-RateLimit-Remaining": "4000", "X-RateLimit-Reset": "600"}))
    bench.client.meter.reserve = 4000
    bench.list()
    with pytest.raises(QuotaPause, match="kept for others") as pause:
        bench.list()
    assert pause.value.resume_at is not None


def test_the_token_travels_in_the_header_and_the_body_is_json() -> None:
    bench = Bench(SUCCESS)
    bench.client.post("contact/list", "contacts")
    request = bench.script.sent[0]
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.headers["Content-Type"] == "application/json"
    assert request.body in (b"{}", "{}")


def test_numbers_beyond_64_bits_and_lone_surrogates_are_read() -> None:
    content = b'{"result":"success","contacts":[{"id":1,"n":123456789012345678901,"t":"\\ud83d"}]}'
    bench = Bench((200, content, {}))
    assert bench.list()[0]["n"] == 123456789012345678901


def test_the_pace_is_even_over_all_callers() -> None:
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 3))

    pacer = module.Pacer(0.8, clock=lambda: now[0], sleep=sleep)
    for _ in range(4):
        pacer.acquire()
    assert slept == [1.25, 2.5, 3.75]
