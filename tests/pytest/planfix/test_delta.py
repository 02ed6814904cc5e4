"""The delta: windows, the owner's zone, the ladder of fallbacks, deletions, new notes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from loaders.errors import IncompleteExtractError
from simulator.setup import CHANGED_FILTER
from tests.pytest.planfix.conftest import Account, Loader
from tests.pytest.planfix.truth import assert_true


@pytest.mark.parametrize(
    ("zone", "now"),
    [
        # the hour that comes twice, the hour that is left out, and half an hour of it
        ("Europe/Berlin", "2026-10-25T00:20:00Z"),
        ("Europe/Berlin", "2026-03-29T00:40:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T14:40:00Z"),
    ],
)
def test_changes_around_a_change_of_clocks_are_found(
    zone: str, now: str, account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server, found = account(120, owner_timezone=zone), loader()
    server.act("clock", now=now)
    found.run(server)
    people = server.ids()
    changed = []
    # an edit every quarter of an hour, across the change
    for step in range(8):
        server.act("clock", advance=900)
        changed.append(people[step])
        server.act("edit", ids=[people[step]], set={"position": f"step {step}"})
        if step == 3:
            found.run(server)
    found.run(server)
    assert found.rows("select distinct mode from planfix_raw.extract_runs order by 1") == [
        ("delta",),
        ("full",),
    ]
    assert_true(server, found)


def test_a_saved_filter_is_relied_on_only_with_evidence(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server, found = account(150, filter_38="ignored"), loader()
    found.environment["PLANFIX_CHANGED_FILTER_ID"] = CHANGED_FILTER[0]
    ids = server.ids()
    server.act("edit", ids=ids[10:12], set={"position": "old"}, at=int(time.time()) - 5 * 86_400)
    found.run(server)
    server.act("edit", ids=ids[:3], set={"position": "new"}, at=int(time.time()) - 20 * 86_400)
    server.act("edit", ids=ids[3:5], set={"position": "new"})
    # two weeks reach back a day
    summary = found.run(server, since="1d")
    assert not any("not relied on" in line for line in summary.lines)
    # and not a month
    summary = found.run(server, since="30d")
    assert any("not relied on" in line for line in summary.lines)
    assert_true(server, found)


def test_windows_are_closed_overlap_and_are_local_to_the_owner(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(120, owner_timezone="Asia/Kolkata")
    found = loader()
    for _ in range(2):
        found.run(server)
    runs = found.rows(
        "select mode, window_from, window_to from planfix_raw.extract_runs order by run_id"
    )
    assert [run[0] for run in runs] == ["full", "delta"]
    # it starts before the last one ended, and ended before it was asked
    assert runs[1][1] < runs[0][2]
    assert runs[1][2] <= datetime.now(UTC)
    texts = [
        re.findall(r"\d\d-\d\d-\d{4} \d\d:\d\d", str(entry["body"]))
        for entry in server.log("contact/list")
        if '"type": 38' in str(entry["body"])
    ]
    zone = ZoneInfo("Asia/Kolkata")
    wanted = [moment.astimezone(zone).strftime("%d-%m-%Y %H:%M") for moment in runs[1][1:]]
    assert wanted in texts


def test_since_loads_what_changed_and_nothing_else(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(160)
    ids = server.ids()
    server.act("edit", ids=ids[:4], set={"position": "changed"})
    found = loader()
    found.run(server, since="1d")
    loaded = {row[0] for row in found.rows("select id from planfix_raw.contacts")}
    assert set(ids[:4]) <= loaded


def test_a_sweep_that_misses_too_many_is_not_believed(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(160)
    found = loader()
    found.run(server)
    ids = server.ids()
    server.act("hide", ids=ids[:80])
    with pytest.raises(IncompleteExtractError, match="id_sweep"):
        found.run(server)
    sweeps = found.rows("select is_complete from planfix_raw.id_sweep_runs order by started_at")
    assert sweeps == [(True,), (False,)]
    # the last sweep that was believed stays
    assert found.rows("select count(*) from planfix_raw.id_sweep") == [(len(ids),)]
    found.run(server, accept_drop=True)
    assert found.rows(
        "select is_complete from planfix_raw.id_sweep_runs order by started_at desc limit 1"
    ) == [(True,)]


def test_silent_edits_and_late_notes_are_found(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(120, comment_list_contact_notes="no")
    found = loader()
    found.run(server)
    before = found.rows("select count(*) from planfix_raw.contact_comments")[0][0]
    ids = server.ids()
    # neither moves the contact's change date
    for number in ids[10:13]:
        server.act("comment", contact_id=number, text="late")
    found.run(server)
    after = found.rows("select count(*) from planfix_raw.contact_comments")[0][0]
    assert after > before
