"""Every pair of the API's unknowns, with a full extract and a delta: raw must equal the account."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.pytest.planfix.conftest import Account, Loader
from tests.pytest.planfix.truth import assert_true, visible

# switches of the simulator, and settings of the loader in capitals
UNKNOWNS: dict[str, tuple[str, ...]] = {
    "list_order": ("id_asc", "id_desc", "updated_desc", "shuffled"),
    "filter_38": ("honoured", "ignored", "refused"),
    "owner_timezone": ("Europe/Moscow", "Asia/Kolkata", "America/St_Johns"),
    "range_end": ("inclusive", "instant", "exclusive"),
    "deleted_get": ("404", "object", "400"),
    "deleted_in_list": ("hidden", "shown"),
    "is_company_omitted": ("both", "persons"),
    "page_size_over": ("clamp", "refuse"),
    "added_by_in_list": ("yes", "no"),
    "data_tags_in_list": ("no", "yes"),
    "company_contacts_id": ("prefixed", "int"),
    "utc_seconds": ("yes", "no"),
    "string_value": ("yes", "no"),
    "null_values": ("no", "yes"),
    "directory_key": ("directories", "directory"),
    "missing_task": ("500", "400"),
    "nul_characters": ("no", "yes"),
    "comment_touches_contact": ("no", "yes"),
    "comment_order": ("desc", "asc"),
    "comment_types": ("All", "Comments"),
    "comment_list": ("yes", "no"),
    "comment_list_unfiltered": ("refused", "allowed"),
    "comment_list_contact_notes": ("yes", "no"),
    "hidden_share": ("0", "0.1"),
    "rate_headers": ("remaining", "both", "none"),
    "PLANFIX_TASK_COMMENTS": ("no", "yes"),
    "PLANFIX_CONCURRENCY": ("1", "4"),
    "PLANFIX_NOTES": ("last", "all"),
}


def pairwise(unknowns: dict[str, tuple[str, ...]], seed: int = 5) -> list[dict[str, str]]:
    """Returns few combinations that hold every pair of values of two unknowns at least once."""
    values = [(name, value) for name in unknowns for value in unknowns[name]]
    missing = {
        frozenset(pair) for pair in itertools.combinations(values, 2) if pair[0][0] != pair[1][0]
    }
    rng = random.Random(seed)
    found: list[dict[str, str]] = []
    while missing:
        # begin with a pair that is still missing, then choose the best value for each other
        row = dict(rng.choice(sorted(map(sorted, missing))))
        for name in rng.sample(list(unknowns), len(unknowns)):
            if name not in row:
                row[name] = max(
                    rng.sample(unknowns[name], len(unknowns[name])),
                    key=lambda value, row=row, name=name: sum(
                        frozenset((item, (name, value))) in missing for item in row.items()
                    ),
                )
        missing -= set(map(frozenset, itertools.combinations(row.items(), 2)))
        found.append(row)
    return found


COMBINATIONS = pairwise(UNKNOWNS)


def change(server: Account) -> frozenset[int]:
    """Edits, adds, deletes, merges, restores, notes and trips; returns what is gone by it."""
    people = [c.id for c in visible(server).values() if not c.is_company]
    firms = [c.id for c in visible(server).values() if c.is_company]
    server.act("edit", ids=people[5:9], set={"position": "changed", "3105": "Sample City"})
    server.act("edit", ids=firms[:2], set={"site": "https://changed.example"})
    server.act("add", count=2)
    server.act("add", isCompany=True)
    server.act("delete", ids=[people[20], people[21]])
    server.act("merge", survivor=people[30], loser=people[31])
    if server.deleted:
        server.act("restore", id=server.deleted)
    for number in (people[5], people[40], firms[3]):
        server.act("comment", contact_id=number, text="<p>new note</p>")
    trip = server.act("trip", contact_id=people[41])
    server.act("comment", task_id=trip["id"], text="in a task")
    return frozenset({people[20], people[21], people[31]})


def test_the_combinations_hold_every_pair() -> None:
    for (a, x), (b, y) in itertools.combinations(
        [(name, value) for name, values in UNKNOWNS.items() for value in values], 2
    ):
        assert a == b or any(row[a] == x and row[b] == y for row in COMBINATIONS)


@pytest.mark.parametrize("number", range(len(COMBINATIONS)))
def test_raw_equals_the_account(
    number: int, account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    row: dict[str, Any] = COMBINATIONS[number]
    settings = {name: value for name, value in row.items() if name.isupper()}
    server = account(
        150, seed=number, **{name: value for name, value in row.items() if name not in settings}
    )
    found = loader()
    found.environment = settings
    with_tasks = settings["PLANFIX_TASK_COMMENTS"] == "yes"
    server.deleted = server.ids()[25]
    server.act("delete", id=server.deleted)
    found.run(server)
    assert_true(server, found, task_comments=with_tasks)
    gone = change(server)
    found.run(server)
    # two runs may begin within one second, which is as near as their ids tell
    modes = found.rows("select mode from planfix_raw.extract_runs order by started_at desc limit 1")
    assert modes == [("delta",)]
    assert_true(server, found, gone=gone, task_comments=with_tasks)
