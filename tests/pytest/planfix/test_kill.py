"""Killed with SIGKILL at any moment: the next run goes on, loses nothing and asks nothing twice."""

from __future__ import annotations

import stat
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


@pytest.mark.parametrize("delay", [0.0, 0.4, 0.8, 1.2, 1.8])
def test_killed_while_loading(
    delay: float, account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    import time

    server = account(150)
    expected = undisturbed(server, loader)
    server.act("clear_log")
    killed = loader()
    process = killed.start(server)
    # the count of all notes is the last question of a full run
    fetched = len(expected) and 50
    wait_until(lambda: _is_fetched(killed) or process.poll() is not None)
    time.sleep(delay)
    kill(process)
    before = len(server.log())
    assert before <= fetched
    killed.run(server)
    assert_equal(killed.snapshot(), expected)


def _is_fetched(loader: Loader) -> bool:
    working = loader.folder / "dlt" / "pipelines" / "planfix"
    return working.exists()
