"""Preflight: the answers, their cost, and that the extract obeys them."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from typing import Any

import pytest

from loaders.planfix.command import PIPELINE
from tests.pytest.planfix.conftest import Account, Loader


def preflight(
    server: Account, found: Loader, capsys: pytest.CaptureFixture[str], **extra: str
) -> str:
    values = found.values(server, **extra)
    before = dict(os.environ)
    os.environ.update(values)
    try:
        PIPELINE.preflight(argparse.Namespace())
    finally:
        for name in values:
            if name in before:
                os.environ[name] = before[name]
            else:
                del os.environ[name]
    return capsys.readouterr().out


def profile(found: Loader) -> dict[str, Any]:
    rows = found.rows("select profile from planfix_raw.capability_profile")
    assert len(rows) == 1
    return dict(rows[0][0])


def test_a_healthy_account(
    account: Callable[..., Account],
    loader: Callable[[], Loader],
    capsys: pytest.CaptureFixture[str],
) -> None:
    server, found = account(160), loader()
    report = preflight(server, found, capsys)
    known = profile(found)
    assert known["change_filter"] == "honoured"
    assert "Europe/Moscow" in known["zones"]
    assert known["comment_route"] == "global"
    assert known["number_filter"] == "honoured"
    assert known["list_order"] == "ascending id"
    assert "addedBy" in known["details_in_list"]
    assert "full extract:" in report
    assert "delta (a day):" in report
    entries = server.log()
    assert len(entries) <= 80
    # read-only: lists and GETs
    assert all(entry["method"] == "GET" or entry["path"].endswith("/list") for entry in entries)
    # what it said a full extract and a delta would cost is what they cost
    told = [int(n.replace(",", "")) for n in re.findall(r": ([\d,]+) requests \(", report)]
    for forecast in told:
        used = found.run(server).requests_used
        assert used is not None
        assert 0.6 * forecast <= used <= 1.4 * forecast, (report, used)


@pytest.mark.parametrize(
    ("switches", "name", "value", "risk"),
    [
        ({"filter_38": "ignored"}, "change_filter", "ignored", "filter 38"),
        ({"filter_38": "refused"}, "change_filter", "refused", "filter 38"),
        ({"comment_list": "no"}, "comment_route", "per_contact", ""),
        ({"comment_list_contact_notes": "no"}, "comment_route", "per_contact", "unchanged"),
        ({"deleted_in_list": "shown"}, "deleted_in_list", "shown", ""),
        ({"utc_seconds": "no"}, "change_filter", "honoured", "no seconds"),
        ({"list_order": "id_desc"}, "list_order", "descending id", ""),
        ({"rate_limit": 20, "over_rate": "http_429"}, "concurrency", 1, ""),
        ({"missing_scopes": "datatag_readonly"}, "change_filter", "honoured", "data tags"),
    ],
)
def test_an_odd_account_is_seen_through(
    switches: dict[str, Any],
    name: str,
    value: Any,
    risk: str,
    account: Callable[..., Account],
    loader: Callable[[], Loader],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from loaders.planfix import client

    monkeypatch.setattr(client, "BLIND_WAITS", (0.1, 0.1, 0.2, 0.5))
    monkeypatch.setattr(client, "DOCUMENTED_RATE", 20.0)
    server, found = account(160, **switches), loader()
    report = preflight(server, found, capsys)
    assert profile(found)[name] == value
    assert risk in report.partition("Risks")[2]


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/St_Johns", "UTC", "Europe/Berlin"])
def test_the_owners_zone_is_measured(
    zone: str,
    account: Callable[..., Account],
    loader: Callable[[], Loader],
    capsys: pytest.CaptureFixture[str],
) -> None:
    server, found = account(160, owner_timezone=zone), loader()
    preflight(server, found, capsys)
    zones = profile(found)["zones"]
    assert zone in zones or zone == "UTC"
    assert len(zones) < 40


def test_the_extract_obeys_the_profile(
    account: Callable[..., Account],
    loader: Callable[[], Loader],
    capsys: pytest.CaptureFixture[str],
) -> None:
    server, found = account(700), loader()
    preflight(server, found, capsys)
    assert profile(found)["concurrency"] > 1
    server.act("clear_log")
    server.switch(latency_ms=30)
    found.run(server)
    assert server.control.most_at_once > 1
