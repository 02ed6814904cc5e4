"""Each fault for real: afterwards the raw tables must equal the account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from loaders.errors import ExtractPaused, SourceError
from tests.pytest.planfix.conftest import Account, Loader
from tests.pytest.planfix.test_combinations import change
from tests.pytest.planfix.truth import assert_true

PASSING_FAULTS = (
    "error_500",
    "bad_gateway",
    "unavailable",
    "reset",
    "cut",
    "truncated",
    "empty",
    "wrong_type",
    "html_200",
    "fail_200",
    "no_list",
    "timeout",
)


def undisturbed(account: Account, loader: Callable[[], Loader]) -> dict[str, Any]:
    """Returns the raw tables of a quiet run on the account as it is now."""
    quiet = loader()
    quiet.run(account, full=True)
    return quiet.snapshot()


def assert_equal(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for table, rows in expected.items():
        assert found[table] == rows, table


@pytest.mark.parametrize("fault", PASSING_FAULTS)
def test_a_passing_fault_changes_nothing(
    fault: str, account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    # a third of all replies, each kind in every place, in every list; fewer where each takes time
    share = 0.15 if fault == "timeout" else 0.3
    server = account(150, faults=f"{fault}:{share}", timeout_seconds=1.2)
    found = loader()
    found.environment["PLANFIX_TIMEOUT"] = "1"
    found.run(server)
    assert server.control.disturbances.faults[fault] > 5
    server.switch(faults="")
    assert_true(server, found)


def test_faults_of_every_kind_during_a_delta(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server, found = account(150, timeout_seconds=1.2), loader()
    found.environment["PLANFIX_TIMEOUT"] = "1"
    found.run(server)
    gone = change(server)
    server.switch(faults=",".join(f"{fault}:0.04" for fault in PASSING_FAULTS))
    found.run(server)
    server.switch(faults="")
    assert_true(server, found, gone=gone)


@pytest.mark.parametrize("fault", ["empty_page", "short_page"])
@pytest.mark.parametrize("mode", ["full", "delta"])
def test_a_lying_page_is_found_out(
    mode: str, fault: str, account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server, found = account(320), loader()
    gone = frozenset[int]()
    if mode == "delta":
        found.run(server)
        gone = change(server)
    steps = [
        {"path": path, "at": at, "fault": fault}
        for path, at in (
            ("^/contact/list$", 1),
            ("^/contact/list$", 4),
            ("^/task/list$", 1),
            ("^/comment/list$", 1),
            ("^/user/list$", 1),
        )
    ]
    server.act("plan", steps=steps)
    found.run(server)
    server.act("plan", steps=[])
    assert_true(server, found, gone=gone)


def test_an_outage_ends_the_run_and_the_next_goes_on(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server, found = account(320), loader()
    server.act("plan", steps=[{"path": "", "at": 15, "times": 30, "fault": "bad_gateway"}])
    failures = []
    while True:
        try:
            found.run(server)
            break
        except SourceError as error:
            failures.append(str(error))
    assert failures
    assert all("HTTP 502" in failure for failure in failures)
    assert_true(server, found)
    answered = [entry for entry in server.log() if entry["status"] == 200]
    quiet = loader()
    server.act("clear_log")
    quiet.run(server)
    assert len(answered) == len(server.log())


def test_a_budget_pauses_and_resumes_without_asking_twice(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(320)
    expected = undisturbed(server, loader)
    needed = len(server.log())
    server.act("clear_log")
    paused = loader()
    pauses = []
    while True:
        try:
            summary = paused.run(server, max_requests=12)
            break
        except ExtractPaused as pause:
            pauses.append(str(pause))
    assert len(pauses) > 2
    assert all("the budget of 12 requests is spent" in pause for pause in pauses)
    assert_equal(paused.snapshot(), expected)
    assert len(server.log()) == needed == summary.requests_used
    assert summary.requests_floor is not None
    assert needed <= 1.5 * summary.requests_floor
