"""The delta: windows, the owner's zone, the ladder of fallbacks, deletions, new notes."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loaders.errors import IncompleteExtractError
from tests.pytest.planfix.conftest import Account, Loader
from tests.pytest.planfix.test_faults import undisturbed

SOON = "2026-03-02T09:00:00Z"


def change_everything(server: Account) -> dict[str, Any]:
    """Edits, adds, deletes and merges records and writes a note on a card that is not edited."""
    ids = server.ids()
    server.act("edit", ids=ids[5:9], set={"position": "changed", "3105": "Sample City"})
    server.act("add", count=3)
    server.act("delete", ids=[ids[20], ids[21]])
    server.act("merge", survivor=ids[30], loser=ids[31])
    server.act("comment", contact_id=ids[40], text="<p>new note</p>")
    return {"gone": {ids[20], ids[21], ids[31]}, "note": ids[40]}


def assert_caught_up(
    server: Account, loader: Callable[[], Loader], found: Loader, gone: set[int]
) -> None:
    snapshot = found.snapshot()
    expected = undisturbed(server, loader)
    for rows in (snapshot, expected):
        rows["contacts"] = [row for row in rows["contacts"] if int(row[1]) not in gone]
    assert snapshot["contacts"] == expected["contacts"]
    assert snapshot["id_sweep"] == expected["id_sweep"]
    assert set(expected["contact_comments"]) <= set(snapshot["contact_comments"])


@pytest.mark.parametrize(
    "switches",
    [
        {"filter_38": "honoured"},
        {"filter_38": "ignored"},
        {"filter_38": "refused"},
        {"filter_38": "honoured", "owner_timezone": "Asia/Kolkata"},
        {"filter_38": "honoured", "owner_timezone": "America/St_Johns", "range_end": "exclusive"},
        {"filter_38": "honoured", "utc_seconds": "no", "deleted_in_list": "shown"},
        {"filter_38": "honoured", "comment_list": "no"},
        {"filter_38": "ignored", "comment_list_contact_notes": "no"},
    ],
    ids=lambda switches: ",".join(f"{name}={value}" for name, value in switches.items()),
)
def test_a_delta_catches_up_with_every_change(
    switches: dict[str, str], account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(160, **switches)
    found = loader()
    found.run(server)
    changed = change_everything(server)
    server.act("clear_log")
    found.run(server)
    assert found.rows("select mode from planfix_raw.extract_runs order by run_id")[1] == ("delta",)
    assert "short" not in found.verdicts().values()
    assert_caught_up(server, loader, found, changed["gone"])


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
