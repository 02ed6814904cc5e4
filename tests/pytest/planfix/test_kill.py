"""Killed with SIGKILL at any moment: the next run goes on, loses nothing and asks nothing twice."""

from __future__ import annotations

import stat
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.pytest.planfix.conftest import Account, Loader, kill, wait_until
from tests.pytest.planfix.test_faults import assert_equal, undisturbed


def questions(entries: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Counts equal requests, pings and parameterised GETs aside."""
    return Counter(
        (entry["path"], str(entry["body"])) for entry in entries if entry["method"] == "POST"
    )


@pytest.mark.parametrize("concurrency", [1, 4])
def test_killed_while_fetching(
    concurrency: int, account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(420)
    expected = undisturbed(server, loader)
    server.act("clear_log")
    server.switch(latency_ms=60)
    killed = loader()
    killed.environment["PLANFIX_CONCURRENCY"] = str(concurrency)
    in_flight = 0
    for at in (6, 22, 40):
        process = killed.start(server)
        wait_until(lambda at=at: len(server.log()) >= at)
        kill(process)
        in_flight += concurrency
        spool = list((killed.folder / "dlt" / "spool").glob("*.spool"))
        assert len(spool) == 1
        assert stat.S_IMODE(spool[0].stat().st_mode) == 0o600
    server.switch(latency_ms=0)
    killed.run(server)
    assert_equal(killed.snapshot(), expected)
    twice = sum(count - 1 for count in questions(server.log()).values())
    assert twice <= in_flight
    # nothing of the account stays on disk
    assert not list((killed.folder / "dlt" / "spool").iterdir())


@pytest.mark.parametrize("delay", [0.0, 0.3, 0.6, 0.9, 1.3])
def test_killed_while_loading(
    delay: float, account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(150)
    expected = undisturbed(server, loader)
    server.act("clear_log")
    killed = loader()
    process = killed.start(server)
    working = killed.folder / "dlt" / "pipelines" / "planfix"
    wait_until(lambda: working.exists() or process.poll() is not None)
    time.sleep(delay)
    kill(process)
    unfinished = list((killed.folder / "dlt" / "spool").glob("*.spool"))
    asked = len(server.log())
    killed.run(server)
    assert_equal(killed.snapshot(), expected)
    # everything was fetched: the rerun only loads
    assert not unfinished or len(server.log()) == asked
    runs = killed.rows("select distinct status from planfix_raw.extract_runs")
    assert runs == [("completed",)]
