"""Quota and pace, against a server that enforces them in each of the known ways."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from loaders.errors import ExtractPaused
from loaders.planfix import client
from tests.pytest.planfix.conftest import Account, Loader
from tests.pytest.planfix.truth import assert_true


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "BLIND_WAITS", (0.3, 0.3, 0.5, 0.5))
    monkeypatch.setattr(client, "DOCUMENTED_RATE", 60.0)


@pytest.mark.parametrize(
    ("switches", "tells_when"),
    [
        ({"quota_reply": "fail_200"}, True),
        ({"quota_reply": "http_403"}, True),
        ({"quota_reply": "http_403", "quota_reset_unit": "milliseconds"}, True),
        ({"quota_reply": "http_429", "rate_headers": "both"}, True),
        ({"quota_reply": "http_429", "rate_headers": "none"}, False),
    ],
    ids=str,
)
def test_a_spent_day_ends_cleanly_and_the_next_day_goes_on(
    switches: dict[str, Any],
    tells_when: bool,
    account: Callable[..., Account],
    loader: Callable[[], Loader],
) -> None:
    server, found = account(250, quota_limit=28, **switches), loader()
    pauses = []
    while True:
        try:
            found.run(server, PLANFIX_MAX_WAIT="5")
            break
        except ExtractPaused as pause:
            pauses.append(str(pause))
            server.act("quota")
    assert pauses
    if tells_when:
        told = re.compile(r"at or after \d{4}-\d\d-\d\d \d\d:\d\d UTC")
        assert all(told.search(pause) for pause in pauses)
    assert_true(server, found)
    asked = [(e["method"], e["path"], str(e["body"])) for e in server.log() if e["status"] == 200]
    posts = [each for each in asked if each[0] == "POST"]
    # only the requests that were refused are sent again
    # only what was refused is asked again, and one kind of refusal is logged as a success
    assert len(posts) - len(set(posts)) <= len(pauses)


@pytest.mark.parametrize("reply", ["fail_200", "http_403", "http_429"])
def test_a_short_wait_is_waited_out(
    reply: str, account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(150, quota_limit=30, quota_reply=reply, quota_reset_seconds=1)
    found = loader()
    server.act("plan", steps=[{"path": "", "at": 31, "do": [["quota", {}]]}])
    found.run(server)
    assert_true(server, found)


@pytest.mark.parametrize("reply", ["http_429", "fail_200", "http_403", "delay"])
def test_too_much_speed_is_slowed_down_for_good(
    reply: str, account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server, found = account(150, rate_limit=60, over_rate=reply), loader()
    found.run(server, PLANFIX_CONCURRENCY="4")
    assert_true(server, found)
    if reply != "delay":
        # refused once or twice, not request after request
        assert server.control.disturbances.refused < 15
