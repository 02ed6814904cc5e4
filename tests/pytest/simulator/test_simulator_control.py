"""The control endpoint: what tests can do to an account and read from it."""

from __future__ import annotations

import csv
import io

import requests

from .conftest import Client, condition


def call(client: Client, action: str, **values: object) -> requests.Response:
    root = client.server.base_url.removesuffix("/rest/")
    return requests.post(f"{root}/__simulator__/{action}", json=values, timeout=5)


def read(client: Client, name: str) -> requests.Response:
    root = client.server.base_url.removesuffix("/rest/")
    return requests.get(f"{root}/__simulator__/{name}", timeout=5)


def test_edits_move_the_date_of_last_change(client: Client) -> None:
    client.act("clock", now="2031-06-30T12:00:00Z")
    number = min(client.ids())
    changes = {
        "name": "Вера",
        "3105": "Сочи",
        "phones": ["+79001112233"],
        "birthDate": "1990-12-01",
    }
    assert call(client, "edit", id=number, set=changes).json() == {"edited": [number]}
    row = client.get(
        f"contact/{number}", params={"fields": "name,phones,dateOfLastUpdate,birthDate,3105"}
    ).json()["contact"]
    assert row["name"] == "Вера"
    assert row["phones"][0]["number"] == "+79001112233"
    assert row["birthDate"]["date"] == "01-12-1990"
    assert row["customFieldData"][0]["value"] == "Сочи"
    assert row["dateOfLastUpdate"]["dateTimeUtcSeconds"] == "2031-06-30T12:00:00+0000"


def test_silent_edits_can_leave_the_date_alone(client: Client) -> None:
    client.switch(silent_touches_contact="no")
    contact = client.account.contact(min(client.ids()))
    assert contact is not None
    before = contact.updated
    client.act("edit", id=contact.id, set={"name": "Тихо"}, silent=True)
    assert contact.updated == before
    client.act("edit", id=contact.id, set={"name": "Громко"})
    assert contact.updated > before


def test_a_comment_touches_the_contact_only_when_switched(client: Client) -> None:
    contact = client.account.contact(min(client.ids()))
    assert contact is not None
    before = contact.updated
    client.act("comment", contact_id=contact.id, text="<p>новое</p>")
    assert contact.updated == before
    client.switch(comment_touches_contact="yes")
    client.act("comment", contact_id=contact.id, text="<p>ещё</p>")
    assert contact.updated > before


def test_add_delete_restore(client: Client) -> None:
    added = client.act("add", count=2, isCompany=True, set={"name": "ООО «Проба»"})["added"]
    assert set(added) <= client.ids(condition(4006, True))
    client.act("delete", ids=added)
    assert not set(added) & client.ids()
    client.act("restore", ids=added)
    assert set(added) <= client.ids()


def test_merge_moves_channels_and_tasks(client: Client) -> None:
    task = next(t for t in client.account.tasks if not t.is_deleted and t.counterparty.phones)
    loser = task.counterparty
    survivor = next(
        c for c in client.account.live_contacts() if c is not loser and not c.is_company
    )
    client.act("merge", survivor=survivor.id, loser=loser.id)
    assert loser.id not in client.ids()
    assert set(loser.phones) <= set(survivor.phones) or loser.phones[0][0] in dict(survivor.phones)
    assert task.counterparty is survivor
    assert loser.merged_into == survivor.id


def test_custom_fields_change_mid_run(client: Client) -> None:
    client.act("field", change="add", id=3120, name="Канал", type=0, value="сайт", every=2)
    client.act("field", change="rename", id=3105, name="Населённый пункт")
    client.act("field", change="retype", id=3113, type=0)
    client.act("field", change="remove", id=3116)
    fields = client.get("customfield/contact", params={"fields": "id,name,type"}).json()
    by_id = {field["id"]: field for field in fields["customfields"]}
    assert by_id[3120]["name"] == "Канал"
    assert by_id[3105]["name"] == "Населённый пункт"
    assert by_id[3113]["type"] == 0
    assert 3116 not in by_id
    values = {}
    for row in client.contacts(fields="3105,3113,3116,3120"):
        values |= {item["field"]["id"]: item for item in row["customFieldData"]}
    assert set(values) == {3105, 3113, 3120}
    assert values[3105]["field"]["name"] == "Населённый пункт"
    assert isinstance(values[3113]["value"], str)


def test_hidden_records_vanish_and_come_back(client: Client) -> None:
    number = min(client.ids())
    client.act("hide", id=number)
    assert number not in client.ids()
    client.act("hide", id=number, hidden=False)
    assert number in client.ids()


def test_trips_can_be_added(client: Client) -> None:
    number = min(client.ids())
    made = client.act("trip", contact_id=number, passenger="Вера Макетова")["id"]
    body = {"filters": [condition(7, f"contact:{number}")], "fields": "id,4104"}
    rows = client.post("task/list", body).json()["tasks"]
    assert rows[-1]["id"] == made
    assert rows[-1]["customFieldData"][0]["value"] == "Вера Макетова"


def test_the_state_counts_records_requests_and_the_floor(client: Client) -> None:
    call(client, "clear_log")
    client.contacts()
    client.get("contact/999999")
    state = read(client, "state").json()
    counts = state["counts"]
    assert counts["visible_people"] + counts["visible_companies"] == counts["live"]
    assert counts["live"] + counts["deleted"] == counts["records"] == 300
    pages = counts["visible_people"] // 100 + 1 + counts["visible_companies"] // 100 + 1
    assert state["floor"]["contacts"] == pages
    assert state["requests"]["by_path"]["GET /contact/{id}"] == 1
    assert state["requests"]["by_path"]["POST /contact/list"] == counts["live"] // 100 + 1
    log = read(client, "log?path=/contact/list").json()["requests"]
    assert [entry["status"] for entry in log] == [200] * len(log)
    assert '"offset"' in log[0]["body"]


def test_the_truth_is_served_as_csv(client: Client) -> None:
    rows = list(csv.DictReader(io.StringIO(read(client, "truth").text)))
    assert list(rows[0]) == ["planfix_id", "entity_id", "kind", "is_test", "is_deleted"]
    assert len(rows) == 300
    live = list(csv.DictReader(io.StringIO(read(client, "truth?live=1").text)))
    assert {int(row["planfix_id"]) for row in live} == client.ids()


def test_mistakes_are_answered_with_400(client: Client) -> None:
    for action, values in (("edit", {"id": 1}), ("edit", {}), ("nothing", {}),
                           ("edit", {"id": min(client.ids()), "set": {"colour": 1}}),
                           ("switch", {"no": 1}), ("plan", {"steps": [{"at": "x"}]})):  # fmt: skip
        reply = call(client, action, **values)
        assert reply.status_code == 400
        assert reply.json()["error"]
    assert read(client, "nothing").status_code == 404
