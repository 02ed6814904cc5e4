"""Notes by the cheapest route, no more of them than wanted, task comments on demand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from loaders.planfix.notes import ROUTE_SAMPLES
from tests.pytest.planfix.conftest import Account, Loader
from tests.pytest.planfix.truth import assert_true


def card_notes(found: Loader) -> list[tuple[int, int]]:
    return sorted(found.rows("select contact_id, id from planfix_raw.contact_comments"))


def test_the_global_list_is_used_where_it_has_card_notes(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(160)
    found = loader()
    found.run(server)
    # a few cards, to find a note to ask the global list for
    assert len(server.log("contact/.*/comments/list")) <= ROUTE_SAMPLES
    assert card_notes(found)
    assert found.rows("select count(*) from planfix_raw.extract_state") == [(1,)]


@pytest.mark.parametrize(
    "switches",
    [{"comment_list": "no"}, {"comment_list_contact_notes": "no"}],
    ids=["no global list", "global list without card notes"],
)
def test_each_card_is_read_where_the_global_list_does_not_help(
    switches: dict[str, str], account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(120, **switches)
    found = loader()
    found.run(server)
    cards = {e["path"] for e in server.log("contact/.*/comments/list")}
    contacts = found.rows("select count(*) from planfix_raw.contacts")[0][0]
    assert len(cards) == contacts
    assert len(server.log("contact/.*/comments/list")) == contacts


def test_only_the_last_notes_are_fetched(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(120, comment_list="no")
    ids = server.ids()
    for number in range(8):
        server.act("comment", contact_id=ids[0], text=f"note {number}")
    found = loader()
    found.run(server, PLANFIX_NOTES_PER_CONTACT="3")
    texts = found.rows(
        "select payload ->> 'description' from planfix_raw.contact_comments "
        f"where contact_id = {ids[0]} order by id"
    )
    assert texts == [("note 5",), ("note 6",), ("note 7",)]
    assert {e["body"][:40] for e in server.log("contact/.*/comments/list")}


def test_the_archive_gets_all_of_them(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(120, comment_list="no")
    ids = server.ids()
    for number in range(120):
        server.act("comment", contact_id=ids[0], text=f"note {number}")
    found = loader()
    found.run(server, PLANFIX_NOTES="all")
    assert found.rows(
        "select count(*) from planfix_raw.contact_comments "
        f"where contact_id = {ids[0]} and payload ->> 'description' like 'note %'"
    ) == [(120,)]


@pytest.mark.parametrize("comment_list", ["yes", "no"])
def test_task_comments_come_when_asked_for(
    comment_list: str, account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(160, comment_list=comment_list)
    found = loader()
    found.run(server)
    assert "task_comments" not in found.snapshot()
    found = loader()
    found.run(server, PLANFIX_TASK_COMMENTS="yes")
    assert found.rows("select count(*) > 0 from planfix_raw.task_comments") == [(True,)]


def test_details_are_read_one_by_one_only_when_asked_for(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(120)
    found = loader()
    found.run(server, PLANFIX_CONTACT_DETAILS="yes")
    contacts = found.rows("select count(*) from planfix_raw.contacts")
    assert found.rows("select count(*) from planfix_raw.contact_details") == contacts


def test_no_notes_at_all(account: Callable[..., Account], loader: Callable[[], Loader]) -> None:
    server = account(120)
    loader().run(server, PLANFIX_NOTES="none")
    assert not server.log("comment")


@pytest.mark.parametrize("comment_list", ["yes", "no"])
def test_notes_switched_on_later_bring_their_history(
    comment_list: str, account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server, found = account(150, comment_list=comment_list), loader()
    # a small rotation is for new notes, not for a history that was never fetched
    found.environment["PLANFIX_NOTES_ROTATION"] = "10"
    found.run(server, PLANFIX_NOTES="none")
    assert not server.log("comment")
    found.run(server)
    assert_true(server, found)
    before = card_notes(found)
    assert before
    # the comments of tasks later still
    found.run(server, PLANFIX_TASK_COMMENTS="yes")
    assert_true(server, found, task_comments=True)
    assert card_notes(found) == before
    assert found.rows("select distinct mode from planfix_raw.extract_runs order by 1") == [
        ("delta",),
        ("full",),
    ]
    # and none of it again
    server.act("clear_log")
    found.run(server, PLANFIX_TASK_COMMENTS="yes")
    assert_true(server, found, task_comments=True)
    assert len(server.log("task/.*/comments")) <= 1
    assert len(server.log("comment")) <= 15


def test_no_note_is_lost_between_the_two_routes(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server, found = account(160), loader()
    found.environment["PLANFIX_NOTES_ROTATION"] = "10"
    found.run(server)
    noted = server.ids()
    server.act("comment", contact_id=noted[-1], text="on a card that waits for its turn")
    # the global list is gone for a while, then back
    server.switch(comment_list="no")
    summary = found.run(server)
    assert any("wait for their turn" in line for line in summary.lines)
    server.switch(comment_list="yes")
    found.preflight(server)
    found.run(server)
    assert_true(server, found)
