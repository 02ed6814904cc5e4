"""What the raw tables must hold: the simulator's account, without a loader between."""

from __future__ import annotations

import json
from typing import Any

import orjson

from loaders.planfix import api
from loaders.planfix.tables import contact_id_of_comment, custom_fields_by_id, dumps
from simulator.model import Comment, Contact
from simulator.render import Renderer
from tests.pytest.planfix.conftest import SCHEMA, Account, Loader

# an object's names of others change without a change of the object itself
OF_OTHERS = frozenset({"companies", "contacts"})
# the list does not know them on every account
DETAILS = frozenset(api.CONTACT_DETAILS)


def visible(server: Account) -> dict[int, Contact]:
    """Returns the live records that the token's owner may see."""
    found = server.control.api
    return {c.id: c for c in server.control.account.live_contacts() if found.is_visible(c)}


def _as_stored(value: Any) -> Any:
    return json.loads(dumps(value))


def contact_objects(server: Account) -> dict[int, tuple[bool, Any, Any]]:
    """Returns kind, payload and custom fields of every live record, as the list shows them."""
    render = Renderer(server.control.account, server.control.switches)
    numbers = [
        str(f.id)
        for f in server.control.account.custom_fields.values()
        if f.object_type == api.OBJECT_CONTACT and not f.is_removed
    ]
    found = {}
    for number, contact in visible(server).items():
        fields = (*api.CONTACT_FIELDS, *numbers)
        shown = orjson.loads(orjson.dumps(render.contact(contact, fields, is_list=True)))
        custom = custom_fields_by_id(shown)
        shown.pop("customFieldData", None)
        found[number] = (contact.is_company, _as_stored(shown), _as_stored(custom))
    return found


def _notes(server: Account) -> list[Comment]:
    return [c for c in server.control.account.comments if not c.is_technical and not c.is_deleted]


def assert_true(
    server: Account,
    found: Loader,
    *,
    gone: frozenset[int] = frozenset(),
    task_comments: bool = False,
    notes: bool = True,
) -> None:
    """Compares the raw tables with the account, row by row.

    Args:
        server: the account.
        found: whose database to look at.
        gone: records that were loaded before they were deleted; they stay in raw.
        task_comments: whether the comments of tasks were asked for.
        notes: whether notes were asked for.
    """
    expected = contact_objects(server)
    rows = found.rows(f"select id, is_company, payload, custom_fields from {SCHEMA}.contacts")
    assert len(rows) == len({row[0] for row in rows}), "a contact twice"
    raw = {row[0]: row[1:] for row in rows}
    shown = {
        c.id
        for c in server.control.account.contacts
        if c.is_deleted and server.control.switches.text("deleted_in_list") == "shown"
    }
    assert set(raw) - set(expected) <= gone | shown, "contacts that are not there"
    assert set(expected) <= set(raw), "contacts are missing"
    for number, (is_company, payload, custom) in expected.items():
        there = raw[number]
        assert there[0] == is_company
        for name in set(payload) | set(there[1]):
            if name in OF_OTHERS and gone:
                continue
            assert there[1].get(name) == payload.get(name), (number, name)
        assert there[2] == custom, number
    swept = {row[0] for row in found.rows(f"select id from {SCHEMA}.id_sweep")}
    assert swept == set(expected), "the sweep"
    if notes:
        _assert_notes(server, found, gone, task_comments)
    tasks = {
        row[0]: row[1:]
        for row in found.rows(f"select id, counterparty_id, payload ->> 'name' from {SCHEMA}.tasks")
    }
    account = server.control.account
    with_deleted = server.control.switches.text("deleted_in_list") == "shown"
    listed = {t.id: t for t in account.tasks if with_deleted or not t.is_deleted}
    assert set(tasks) == set(listed)
    for number, task in listed.items():
        assert tasks[number][0] == task.counterparty.id, number
    for table, count in {
        "users": sum(not user.is_deleted for user in account.users),
        "data_tag_entries": len(account.tag_entries),
        "contact_groups": len(account.groups),
        "directory_entries": sum(len(entries) for _, entries in account.directories.values()),
    }.items():
        assert found.rows(f"select count(*) from {SCHEMA}.{table}") == [(count,)], table
    bad = {n: v for n, v in found.verdicts().items() if v in {"short", "missing_field"}}
    assert not bad, bad


def _assert_notes(
    server: Account, found: Loader, gone: frozenset[int], task_comments: bool
) -> None:
    render = Renderer(server.control.account, server.control.switches)
    people = visible(server)
    rows = found.rows(f"select id, contact_id, payload from {SCHEMA}.contact_comments")
    assert len(rows) == len({row[0] for row in rows}), "a note twice"
    raw = {row[0]: row[1:] for row in rows}
    expected = {c.id: c for c in _notes(server) if c.contact_id in people}
    lost = {n: expected[n].contact_id for n in set(expected) - set(raw)}
    assert not lost, f"notes are missing: {lost}"
    for number, (contact_id, payload) in raw.items():
        if number not in expected:
            assert contact_id in gone or contact_id not in people
            continue
        shown = render.comment(expected[number], api.COMMENT_FIELDS)
        assert contact_id == expected[number].contact_id == contact_id_of_comment(shown, "")
        assert payload["description"] == _as_stored(shown)["description"]
    if not task_comments:
        return
    wanted = {
        c.id: c.task_id
        for c in _notes(server)
        if c.task_id and not server.control.account.task(c.task_id).is_deleted  # type: ignore[union-attr]
    }
    assert dict(found.rows(f"select id, task_id from {SCHEMA}.task_comments")) == wanted
