"""Killed with SIGKILL at any moment: the next run goes on, loses nothing and asks nothing twice."""

from __future__ import annotations

import os
import signal
import stat
from collections import Counter
from collections.abc import Callable
from typing import Any

import dlt.destinations.impl.postgres.postgres as postgres
import pytest
from dlt.common.storages.load_storage import LoadStorage
from dlt.destinations.job_client_impl import SqlJobClientBase
from dlt.destinations.sql_jobs import SqlMergeFollowupJob
from dlt.normalize.items_normalizers.file_import import FileImportNormalizer
from dlt.pipeline.pipeline import Pipeline

from loaders.planfix.extract import Extract
from loaders.planfix.spool import Spool
from tests.pytest.planfix.conftest import Account, Loader, Process, wait_until
from tests.pytest.planfix.test_combinations import change
from tests.pytest.planfix.truth import assert_true

# where it dies: the method that is about to be called, and which of its calls it is
MOMENTS: dict[str, tuple[Any, str, int]] = {
    "before the load": (Extract, "_load", 1),
    "half-way through the spool": (Spool, "newest", 3),
    "before normalising": (Pipeline, "normalize", 1),
    "while normalising": (FileImportNormalizer, "__call__", 2),
    "before loading": (Pipeline, "load", 1),
    "before the second copy": (postgres.PostgresCsvCopyJob, "run", 2),
    "half of the copies done": (postgres.PostgresCsvCopyJob, "run", 8),
    "while the merge is written": (SqlMergeFollowupJob, "gen_merge_sql", 3),
    "before the load is marked": (SqlJobClientBase, "complete_load", 1),
    "after it is marked": (LoadStorage, "complete_load_package", 1),
    "before the audit": (Extract, "_compare_with_raw", 1),
    "before the spool goes": (Spool, "discard", 1),
}


def dying(found: Loader, account: Account, moment: str) -> Process:
    """Starts a run that is killed at the moment."""
    owner, name, call = MOMENTS[moment]

    def work() -> None:
        wrapped, left = getattr(owner, name), [call]

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            return wrapped(*args, **kwargs)

        setattr(owner, name, wrapper)
        found.run(account)

    return Process(work, {})


def questions(entries: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Counts equal requests; the log does not tell the parameters of a GET."""
    return Counter(
        (entry["path"], str(entry["body"])) for entry in entries if entry["method"] == "POST"
    )


@pytest.mark.parametrize("concurrency", [1, 4])
def test_killed_while_fetching(
    concurrency: int, account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(420)
    server.switch(latency_ms=60)
    killed = loader()
    killed.environment["PLANFIX_CONCURRENCY"] = str(concurrency)
    in_flight = 0
    for at in (6, 22, 40):
        process = killed.start(server)
        wait_until(lambda at=at: len(server.log()) >= at)
        process.kill()
        in_flight += concurrency
        spool = list((killed.folder / "dlt" / "spool").glob("*.spool"))
        assert len(spool) == 1
        assert stat.S_IMODE(spool[0].stat().st_mode) == 0o600
    server.switch(latency_ms=0)
    killed.run(server)
    assert_true(server, killed)
    twice = sum(count - 1 for count in questions(server.log()).values())
    assert twice <= in_flight
    # nothing of the account stays on disk
    assert not list((killed.folder / "dlt" / "spool").iterdir())


def test_killed_in_every_stage_of_a_load(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server, found = account(150), loader()
    gone = frozenset[int]()
    # into empty tables, then over what is there
    for moments in (list(MOMENTS), list(MOMENTS)[3::2]):
        asked = None
        for moment in moments:
            process = dying(found, server, moment)
            assert process.wait() == -signal.SIGKILL, moment
            if asked is None:
                asked = len(server.log())
            # everything was fetched by the first one: the others only load
            assert len(server.log()) == asked, moment
        found.run(server)
        assert len(server.log()) == asked
        assert_true(server, found, gone=gone)
        assert found.rows("select distinct status from planfix_raw.extract_runs") == [
            ("completed",)
        ]
        gone = change(server)
        server.act("clear_log")
