"""Each fault for real: the raw tables must equal those of an undisturbed run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from loaders.errors import ExtractPaused
from tests.pytest.planfix.conftest import Account, Loader

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
)


def undisturbed(account: Account, loader: Callable[[], Loader]) -> dict[str, Any]:
    """Returns the raw tables of a quiet run on the account as it is now."""
    quiet = loader()
    quiet.run(account, full=True)
    return quiet.snapshot()


def assert_equal(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for table, rows in expected.items():
        assert found[table] == rows, table


def test_passing_faults_change_nothing(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account()
    expected = undisturbed(server, loader)
    for fault in PASSING_FAULTS:
        server.switch(faults=f"{fault}:0.3")
        disturbed = loader()
        disturbed.run(server)
        server.switch(faults="")
        assert_equal(disturbed.snapshot(), expected)


@pytest.mark.parametrize("fault", ["empty_page", "short_page"])
def test_a_lying_page_is_found_out_by_counting(
    fault: str, account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(320)
    expected = undisturbed(server, loader)
    server.act("plan", steps=[{"path": "contact/list", "at": 2, "fault": fault}])
    disturbed = loader()
    disturbed.run(server)
    assert_equal(disturbed.snapshot(), expected)


def test_a_budget_pauses_and_resumes_without_asking_twice(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(320)
    expected = undisturbed(server, loader)
    needed = len(server.log())
    server.act("clear_log")
    paused = loader()
    pauses = 0
    while True:
        try:
            paused.run(server, max_requests=7)
            break
        except ExtractPaused:
            pauses += 1
    assert pauses > 2
    assert_equal(paused.snapshot(), expected)
    assert len(server.log()) == needed
