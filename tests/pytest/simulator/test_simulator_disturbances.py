"""Limits, faults and scripted changes, as a client meets them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from loaders.settings import PROJECT_ROOT
from simulator.api import SCOPES
from simulator.control import ACTIONS
from simulator.disturbances import FAULTS
from simulator.switches import SWITCHES, SwitchError, describe

from .conftest import Client


def only(client: Client, fault: str, times: int = 1) -> None:
    client.act("plan", steps=[{"path": "/contact/list", "fault": fault, "times": times}])


@pytest.mark.parametrize(
    ("fault", "status", "content_type", "beginning"),
    [
        ("error_500", 500, "application/json", b'{"result":"fail","code":0'),
        ("bad_gateway", 502, "text/html", b"<html>"),
        ("unavailable", 503, "text/html", b"<html>"),
        ("empty", 200, "application/json", b""),
        ("truncated", 200, "application/json", b'{"result":"success"'),
        ("wrong_type", 200, "text/html", b'{"result":"success"'),
        ("html_200", 200, "text/html", b"<!DOCTYPE html>"),
        ("fail_200", 200, "application/json", b'{"result":"fail"'),
        ("no_list", 200, "application/json", b'{"result":"success"}'),
        ("empty_page", 200, "application/json", b'{"result":"success","contacts":[]}'),
        ("over_rate", 429, "text/plain", b"Too Many Requests"),
    ],
)
def test_a_spoilt_reply_and_then_a_good_one(
    client: Client, fault: str, status: int, content_type: str, beginning: bytes
) -> None:
    only(client, fault)
    reply = client.post("contact/list")
    assert reply.status_code == status
    assert reply.headers["Content-Type"].startswith(content_type)
    assert reply.content.startswith(beginning)
    assert "Retry-After" not in reply.headers
    assert len(client.post("contact/list").json()["contacts"]) == 100


def test_a_short_page_lies_in_silence(client: Client) -> None:
    only(client, "short_page")
    assert len(client.post("contact/list").json()["contacts"]) == 50


def test_a_truncated_reply_is_no_json(client: Client) -> None:
    only(client, "truncated")
    with pytest.raises(requests.JSONDecodeError):
        client.post("contact/list").json()


def test_a_reset_a_cut_and_a_timeout_break_the_connection(client: Client) -> None:
    only(client, "reset")
    with pytest.raises(requests.ConnectionError):
        client.post("contact/list")
    only(client, "cut")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.post("contact/list")
    only(client, "timeout")
    with pytest.raises(requests.Timeout):
        client.post("contact/list", timeout=0.2)
    assert client.post("contact/list").status_code == 200


def test_every_fault_is_described_and_an_unknown_one_is_refused(client: Client) -> None:
    assert all(FAULTS.values())
    with pytest.raises(SwitchError, match="no fault"):
        only(client, "gremlin")


def test_random_faults_are_the_same_for_the_same_seed(simulate: Callable[..., Client]) -> None:
    def statuses() -> list[int]:
        client = simulate(seed=9, faults="error_500:0.2,bad_gateway:0.1")
        return [client.post("contact/list", {"offset": n}).status_code for n in range(80)]

    first = statuses()
    assert first == statuses()
    assert {200, 500, 502} == set(first)


def test_the_same_request_is_hit_by_chance_only_so_often(client: Client) -> None:
    client.switch(faults="error_500:1.0", fault_repeats=3, fault_path="contact")
    statuses = [client.post("contact/list").status_code for _ in range(8)]
    assert statuses == [500, 500, 500, 200, 500, 500, 500, 200]
    assert client.get("ping").status_code == 200


def test_the_quota_in_all_three_spellings(client: Client) -> None:
    client.switch(quota_limit=3, quota_reply="rotate", quota_reset_seconds=57_283)
    assert [client.get("ping").status_code for _ in range(3)] == [200] * 3
    first = client.get("ping")
    assert first.status_code == 200
    assert first.json()["result"] == "fail"
    assert "rate limit exceeded, remaining:0, timeToReset:572" in first.json()["error"]
    second = client.get("ping")
    assert (second.status_code, second.json()["code"]) == (403, 22)
    assert 57_000 < second.json()["timeToReset"] <= 57_283
    assert client.get("ping").status_code == 429
    client.switch(quota_reset_unit="milliseconds", quota_reply="http_403")
    assert client.get("ping").json()["timeToReset"] > 57_000_000
    assert client.server.control.state()["requests"]["refused"] == 4


def test_the_quota_comes_back_at_the_reset(client: Client) -> None:
    client.switch(
        quota_limit=1, quota_reply="http_403", quota_reset_seconds=600, rate_headers="both"
    )
    assert client.get("ping").status_code == 200
    assert client.get("ping").status_code == 403
    assert 0 < int(client.get("ping").headers["X-RateLimit-Reset"]) <= 600
    client.act("clock", advance=601)
    assert client.get("ping").status_code == 200
    client.act("quota", used=1)
    assert client.get("ping").status_code == 403
    client.act("quota")
    assert client.get("ping").status_code == 200


def test_the_told_remainder_is_refreshed_every_ten_minutes(client: Client) -> None:
    first = client.get("ping").headers["X-RateLimit-Remaining"]
    assert client.get("ping").headers["X-RateLimit-Remaining"] == first
    client.act("clock", advance=700)
    assert int(client.get("ping").headers["X-RateLimit-Remaining"]) < int(first)
    client.switch(rate_headers="none")
    assert "X-RateLimit-Remaining" not in client.get("ping").headers


def test_one_request_a_second_is_enforced_by_delay_or_refusal(client: Client) -> None:
    client.switch(rate_limit=20)
    started = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: requests.get(client.server.base_url + "ping",
             headers=dict(client.session.headers), timeout=5), range(5)))  # fmt: skip
    assert time.monotonic() - started > 0.18
    client.switch(rate_limit=0.01, over_rate="http_429")
    replies = [client.get("ping") for _ in range(2)]
    assert replies[-1].status_code == 429
    client.switch(over_rate="fail_200")
    assert client.get("ping").json()["code"] == 22
    client.switch(over_rate="http_403")
    assert client.get("ping").json()["timeToReset"] == 1


def test_latency_and_slow_global_comments(client: Client) -> None:
    client.switch(latency_ms=60)
    started = time.monotonic()
    client.get("ping")
    assert time.monotonic() - started >= 0.06
    client.switch(latency_ms=0, comment_list_slowness=0.01)
    api = client.server.control.api
    wide = {"filters": [{"type": 3000, "operator": "gt",
            "value": {"dateType": "otherDate", "dateValue": "01-01-2000"}}]}  # fmt: skip
    days = {"dateType": "otherRange", "dateFrom": "01-01-2025", "dateTo": "07-01-2025"}
    week = {"filters": [{"type": 3000, "operator": "equal", "value": days}]}
    assert api.comment_cost(wide) == pytest.approx(0.45)
    assert 0.06 <= api.comment_cost(week) <= 0.12
    client.switch(comment_list_slowness=0)
    assert api.comment_cost(wide) == 0


def test_a_record_deleted_between_two_pages_makes_one_slip_through(client: Client) -> None:
    ids = sorted(client.ids())
    client.act(
        "plan", steps=[{"path": "^/contact/list$", "at": 2, "do": [["delete", {"id": ids[0]}]]}]
    )
    seen = [row["id"] for row in client.contacts()]
    assert ids[100] not in seen
    assert len(seen) == len(ids) - 1


def test_a_record_added_in_a_descending_list_repeats_one(client: Client) -> None:
    client.switch(list_order="id_desc")
    client.act("plan", steps=[{"path": "^/contact/list$", "at": 2, "do": [["add", {}]]}])
    seen = [row["id"] for row in client.contacts()]
    assert len(seen) == len(set(seen)) + 1


def test_steps_can_repeat_and_combine(client: Client) -> None:
    client.act("plan", steps=[
        {"path": "ping", "at": 2, "every": 3, "fault": "error_500"},
        {"path": "ping", "at": 4, "do": [["switch", {"deleted_in_list": "shown"}]]},
    ])  # fmt: skip
    assert [client.get("ping").status_code for _ in range(6)] == [200, 500, 200, 200, 500, 200]
    state = client.server.control.state()
    assert state["switches"]["deleted_in_list"] == "shown"
    assert [step["fired"] for step in state["plan"]] == [2, 1]


def test_switches_are_checked_and_described(client: Client) -> None:
    for values in ({"nothing": 1}, {"list_order": "sideways"}, {"rate_limit": "fast"},
                   {"owner_timezone": "Mars/Base"}):  # fmt: skip
        with pytest.raises(SwitchError):
            client.switch(**values)
    text = describe()
    assert all(switch.name in text and switch.description in text for switch in SWITCHES)


def test_the_manual_knows_every_switch_fault_scope_and_action() -> None:
    text = (PROJECT_ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
    names = [switch.name for switch in SWITCHES] + [*FAULTS, *ACTIONS, *SCOPES]
    assert [name for name in names if not re.search(rf"[` ]{name}`", text)] == []
