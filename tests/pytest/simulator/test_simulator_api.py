"""The REST API as the reference describes it: sections 1, 2, 4, 5 and 6."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import requests

from .conftest import Client, condition

ALL_NAMES = (
    "id,template,name,midname,lastname,gender,description,address,site,email,"
    "additionalEmailAddresses,skype,telegramId,telegram,facebook,instagram,viberId,position,group,"
    "isCompany,isDeleted,birthDate,createdDate,dateOfLastUpdate,supervisors,phones,companies,"
    "contacts,files,sourceObjectId,sourceDataVersion,addedBy"
)


def test_ping_says_success_and_tells_the_remaining_requests(client: Client) -> None:
    reply = client.get("ping")
    assert reply.json() == {"result": "success"}
    assert int(reply.headers["X-RateLimit-Remaining"]) > 0
    assert "Retry-After" not in reply.headers


def test_a_wrong_token_is_refused_with_code_1(client: Client) -> None:
    reply = requests.get(
        client.server.base_url + "ping", headers={"Authorization": "Bearer x"}, timeout=5
    )
    assert reply.status_code == 401
    assert reply.json() == {"result": "fail", "code": 1, "error": "Access denied, unknown token"}


def test_a_get_may_carry_the_token_as_a_parameter_and_a_post_may_not(client: Client) -> None:
    url = client.server.base_url
    query = {"access_token": client.server.token}
    assert requests.get(url + "ping", params=query, timeout=5).status_code == 200
    assert requests.post(url + "contact/list", params=query, timeout=5).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "contact/999999", b"", 404, 2000),
        ("GET", "task/999999", b"", 500, 1000),
        ("GET", "user/999999", b"", 404, 4000),
        ("GET", "comment/1", b"", 400, 5000),
        ("POST", "datatag/99/entry/list", b"{}", 404, 6000),
        ("POST", "directory/99/entry/list", b"{}", 404, 8000),
        ("GET", "contact/list", b"", 405, 405),
        ("PUT", "ping", b"", 405, 405),
        ("POST", "contact/list", b"{oops", 400, 30),
        ("POST", "contact/list", b"[1]", 400, 30),
        ("POST", "contact/list", b'{"filters":[{"type":1234,"value":1}]}', 400, 41),
        ("POST", "contact/list", b'{"filters":[{"value":1}]}', 400, 40),
        ("POST", "contact/list", b'{"filterId":"987"}', 400, 41),
        ("POST", "contact/list", b'{"offset":-1}', 400, 41),
        ("POST", "contact/999999/comments/list", b"{}", 500, 0),
        ("POST", "comment/list", b"{}", 400, 0),
        ("POST", "contact/", b'{"name":"x"}', 405, 5),
    ],
)
def test_errors_have_their_status_and_code(
    client: Client, method: str, path: str, body: bytes, status: int, code: int
) -> None:
    reply = client.session.request(method, client.server.base_url + path, data=body, timeout=5)
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert reply.json()["result"] == "fail"


def test_without_fields_a_row_is_its_id(client: Client) -> None:
    rows = client.post("contact/list", {"pageSize": 3}).json()["contacts"]
    assert [list(row) for row in rows] == [["id"]] * 3


def test_unknown_names_are_ignored_and_so_is_the_word_custom_field_data(client: Client) -> None:
    rows = client.contacts(fields="id, phone,company,customFieldData")
    assert all(list(row) == ["id"] for row in rows)


def test_custom_fields_come_by_id_only_and_are_absent_when_unset(client: Client) -> None:
    rows = client.contacts(fields="id,3101,3103,99999")
    shown = [item["field"]["id"] for row in rows for item in row["customFieldData"]]
    assert set(shown) == {3101, 3103}
    assert any(row["customFieldData"] == [] for row in rows)
    assert all("value" in item and item["value"] is not None for row in rows
               for item in row["customFieldData"])  # fmt: skip


def test_a_field_is_not_shown_for_a_wrong_object_type(client: Client) -> None:
    assert all(row["customFieldData"] == [] for row in client.contacts(fields="id,4101"))


def test_pages_hold_at_most_100_rows_in_ascending_order(simulate: Callable[..., Client]) -> None:
    client = simulate(size=450)
    ids = []
    while True:
        rows = client.post("contact/list", {"offset": len(ids), "pageSize": 500}).json()["contacts"]
        ids += [row["id"] for row in rows]
        if len(rows) < 100:
            break
    assert ids == sorted(set(ids))
    assert len(ids) == sum(not contact.is_deleted for contact in client.account.contacts)
    beyond = client.post("contact/list", {"offset": 10**6}).json()
    assert beyond == {"result": "success", "contacts": []}


def test_page_size_above_100_can_be_refused(client: Client) -> None:
    client.switch(page_size_over="refuse")
    reply = client.post("contact/list", {"pageSize": 101})
    assert (reply.status_code, reply.json()["code"]) == (400, 41)


def test_a_null_offset_is_the_first_page(client: Client) -> None:
    assert client.post("contact/list", {"offset": None}).json()["contacts"][0]["id"] > 0


def test_texts_are_empty_lists_are_empty_and_objects_are_absent_when_unset(client: Client) -> None:
    rows = client.contacts(fields=ALL_NAMES)
    for row in rows:
        assert None not in row.values()
        assert isinstance(row["skype"], str)
        assert isinstance(row["companies"], list)
    assert any("group" not in row for row in rows)
    assert any("birthDate" not in row for row in rows)


def test_both_spellings_of_people_ids(client: Client) -> None:
    rows = client.contacts(fields=ALL_NAMES)
    owners = [user for row in rows for user in row["supervisors"]["users"]]
    assert all(re.fullmatch(r"user:\d+", user["id"]) for user in owners)
    people = [person for row in rows for person in row["contacts"]]
    assert people
    assert all(re.fullmatch(r"contact:\d+", person["id"]) for person in people)
    client.switch(company_contacts_id="int")
    people = [p for row in client.contacts(fields="contacts") for p in row["contacts"]]
    assert all(isinstance(person["id"], int) for person in people)
    assert all(isinstance(c["id"], int) for row in rows for c in row["companies"])
    prefixed = client.post("contact/list", {"prefixedId": True, "pageSize": 1}).json()
    assert str(prefixed["contacts"][0]["id"]).startswith("contact:")


def test_companies_and_people_refer_to_each_other(client: Client) -> None:
    rows = {row["id"]: row for row in client.contacts(fields="id,companies,contacts,isCompany")}
    for row in rows.values():
        for company in row["companies"]:
            assert rows[company["id"]]["isCompany"]
            back = {int(p["id"].split(":")[1]) for p in rows[company["id"]]["contacts"]}
            assert row["id"] in back


def test_time_points_are_utc_and_have_seconds_apart(client: Client) -> None:
    row = client.contacts(fields="createdDate,birthDate,id")[0]
    point = row["createdDate"]
    contact = client.account.contact(row["id"])
    assert contact is not None
    day, month, year = point["date"].split("-")
    assert point["datetime"] == f"{year}-{month}-{day}T{point['time']}Z"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000", point["dateTimeUtcSeconds"])
    client.switch(utc_seconds="no")
    old = client.contacts(fields="createdDate")[0]["createdDate"]
    assert set(old) == {"date", "time", "datetime"}


def test_birth_dates_are_calendar_days(client: Client) -> None:
    born = [row["birthDate"] for row in client.contacts(fields="birthDate") if "birthDate" in row]
    assert born
    assert all(day["time"] == "00:00" and "dateTimeUtcSeconds" not in day for day in born)


def test_is_company_omitted_shows_both_or_persons(client: Client) -> None:
    both = client.contacts(fields="id,isCompany")
    assert {row["isCompany"] for row in both} == {True, False}
    client.switch(is_company_omitted="persons")
    assert {row["isCompany"] for row in client.contacts(fields="isCompany")} == {False}
    assert {row["isCompany"] for row in client.contacts(fields="isCompany", isCompany=True)} == {
        True
    }


def test_get_only_names_are_left_out_of_the_list(client: Client) -> None:
    names = "id,languageCode,timezone,dataTags,addedBy"
    rows = client.contacts(fields=names)
    assert all(set(row) == {"id", "addedBy"} for row in rows)
    client.switch(added_by_in_list="no", data_tags_in_list="yes")
    assert all(set(row) == {"id", "dataTags"} for row in client.contacts(fields=names))
    full = [
        client.get(f"contact/{row['id']}", params={"fields": names}).json()["contact"]
        for row in rows[:60]
    ]
    assert all({"addedBy", "dataTags"} <= set(row) for row in full)
    assert any("languageCode" in row for row in full)


def test_a_path_takes_a_number_or_a_prefixed_number(client: Client) -> None:
    number = client.contacts()[0]["id"]
    for spelling in (number, f"contact:{number}", f"contact%3A{number}"):
        assert client.get(f"contact/{spelling}").json()["contact"] == {"id": number}


def test_deleted_contacts_are_hidden_or_shown(client: Client) -> None:
    gone = [contact.id for contact in client.account.contacts if contact.is_deleted]
    assert gone
    assert not client.ids() & set(gone)
    assert client.get(f"contact/{gone[0]}").status_code == 404
    client.switch(deleted_in_list="shown", deleted_get="object")
    shown = {row["id"]: row["isDeleted"] for row in client.contacts(fields="id,isDeleted")}
    assert all(shown[number] for number in gone)
    one = client.get(f"contact/{gone[0]}", params={"fields": "isDeleted"}).json()["contact"]
    assert one["isDeleted"] is True
    client.switch(deleted_get="400")
    reply = client.get(f"contact/{gone[0]}")
    assert (reply.status_code, reply.json()["code"]) == (400, 6)


def test_rows_hidden_by_permission_leave_no_error(client: Client) -> None:
    everything = client.ids()
    client.switch(hidden_share=0.2)
    seen = client.ids()
    assert seen < everything
    hidden = min(everything - seen)
    reply = client.get(f"contact/{hidden}")
    assert (reply.status_code, reply.json()["code"]) == (400, 6)


def test_a_missing_scope_is_405_code_5(client: Client) -> None:
    client.switch(missing_scopes="comment_readonly,task_readonly")
    for path in ("comment/list", "task/list", "contact/1001/comments/list"):
        reply = client.post(path)
        assert (reply.status_code, reply.json()["code"]) == (405, 5)
    assert client.post("contact/list").status_code == 200


@pytest.mark.parametrize("order", ["id_asc", "id_desc", "updated_desc", "shuffled"])
def test_every_list_order_shows_every_record_once(client: Client, order: str) -> None:
    before = client.ids()
    client.switch(list_order=order)
    rows = [row["id"] for row in client.contacts()]
    assert len(rows) == len(before)
    assert set(rows) == before
    assert (rows == sorted(rows)) is (order == "id_asc")


def test_custom_field_metadata(client: Client) -> None:
    fields = client.get(
        "customfield/contact", params={"fields": "id,name,type,objectType,enumValues,directoryId"}
    ).json()["customfields"]
    by_id = {field["id"]: field for field in fields}
    assert set(range(3101, 3117)) <= set(by_id)
    assert by_id[3111]["name"] == by_id[3112]["name"] == "Комментарий"
    assert by_id[3104]["directoryId"] == 31
    assert by_id[3107]["enumValues"] == ["Да", "Нет"]
    assert all(field["objectType"] == 1 for field in fields)
    assert client.get("customfield/contact").json()["customfields"][0] == {"id": 3101}
    assert client.get("customfield/task", params={"fields": "id"}).json()["customfields"]


def test_custom_values_have_the_shape_of_their_type(client: Client) -> None:
    wanted = ",".join(map(str, range(3101, 3117)))
    seen: dict[int, Any] = {}
    for row in client.contacts(fields=wanted):
        for item in row["customFieldData"]:
            seen.setdefault(item["field"]["id"], item)
    assert set(seen[3102]["value"]) == {"date", "time", "datetime"}
    assert seen[3103]["value"] is True
    assert set(seen[3104]["value"]) == {"id", "value"}
    assert seen[3104]["value"]["id"] > 0
    assert isinstance(seen[3113]["value"], int)
    assert all("stringValue" in item and "typeName" in item["field"] for item in seen.values())
    client.switch(string_value="no", null_values="yes")
    row = client.contacts(fields="3101,3116")[0]
    assert len(row["customFieldData"]) == 2
    assert all("stringValue" not in item for item in row["customFieldData"])


def test_neighbouring_calls_answer(client: Client) -> None:
    names = {"fields": "id,name"}
    groups = client.get("contact/groups", params=names).json()["groups"]
    assert {"id": 12, "name": "Клиенты"} in groups
    people = client.get("contact/templates", params={**names, "isCompany": "false"}).json()
    firms = client.get("contact/templates", params={**names, "isCompany": "true"}).json()
    assert len(people["templates"]) == 2
    assert len(firms["templates"]) == 1
    filters = client.post("contact/filters").json()["filters"]
    assert filters[0]["id"] == ":contact"
    assert client.get("user/groups", params=names).json()["groups"]
    assert client.get("user/positions/", params=names).json()["positions"]
    assert client.get("process/contact", params=names).json()["processes"]
    assert client.post("directory/list", {"fields": "id,name"}).json()["directories"]
    entries = client.post("directory/31/entry/list", {"fields": "key,name"}).json()
    assert entries["directoryEntries"][0] == {"key": 1, "name": "Россия"}
    client.switch(positions_key="posts", directory_key="directory")
    assert client.get("user/positions/").json()["posts"]
    assert client.post("directory/list").json()["directory"]


def test_employees(client: Client) -> None:
    users = client.post("user/list", {"fields": "id,name,email,status,role,timezone"}).json()
    by_id = {user["id"]: user for user in users["users"]}
    assert by_id[90]["role"] == "Robot"
    assert 11 not in by_id  # deleted
    client.switch(owner_timezone="Asia/Kolkata")
    one = client.get("user/90", params={"fields": "timezone"}).json()["user"]
    assert one == {"timezone": "Asia/Kolkata"}
    active = client.post("user/list", {"onlyActive": True}).json()["users"]
    assert len(active) < len(by_id)


def test_data_tags_and_their_entries(client: Client) -> None:
    tags = client.post("datatag/list", {"fields": "id,name,fields"}).json()["dataTags"]
    assert {tag["id"] for tag in tags} == {6, 7, 8, 9}
    rows = client.post("datatag/6/entry/list", {"fields": "dataTag,key,contact,20,21"}).json()[
        "dataTagEntries"
    ]
    assert rows
    assert isinstance(rows[0]["contact"]["id"], int)
    assert {item["field"]["id"] for item in rows[0]["customFieldData"]} == {20, 21}
    number = rows[0]["contact"]["id"]
    one = client.post("datatag/6/entry/list", {"contactId": f"contact:{number}"}).json()
    assert [row["key"] for row in one["dataTagEntries"]] == [rows[0]["key"]]


def test_tasks_are_trips_of_their_counterparty(client: Client) -> None:
    fields = "id,name,template,counterparty,dateTime,4101,4102,4103,4104,4105,4106"
    tasks = client.post("task/list", {"fields": fields}).json()["tasks"]
    assert tasks
    number = tasks[0]["counterparty"]["id"]
    assert re.fullmatch(r"contact:\d+", number)
    by_counterparty = {"filters": [condition(7, number)], "fields": "counterparty"}
    rows = client.post("task/list", by_counterparty).json()["tasks"]
    assert rows
    assert all(row["counterparty"]["id"] == number for row in rows)
    pickup = tasks[0]["customFieldData"][0]
    assert set(pickup["value"]) == {"date", "time"}
    assert pickup["stringValue"] == f"{pickup['value']['date']} {pickup['value']['time']}"
    by_template = {"filters": [condition(51, [200, 7])]}
    assert len(client.post("task/list", by_template).json()["tasks"]) == min(100, len(tasks))


def test_comments_of_a_card(client: Client) -> None:
    number = max(
        {c.contact_id for c in client.account.comments if c.contact_id},
        key=lambda n: len(client.account.comments_of(contact_id=n)),
    )
    contact = client.account.contact(number)
    assert contact is not None
    contact.is_deleted = False
    fields = "id,dateTime,type,fromType,description,owner,contact,isDeleted"
    path = f"contact/{number}/comments/list"
    rows = client.post(path, {"fields": fields}).json()["comments"]
    ids = [row["id"] for row in rows]
    assert ids == sorted(ids, reverse=True)  # newest first unless asked
    assert all(row["contact"] == {"id": f"contact:{number}"} for row in rows)
    assert all(re.fullmatch(r"user:\d+", row["owner"]["id"]) for row in rows)
    for order in ([{"field": "id", "direction": "Asc"}], [{"filed": "id", "direction": "Asc"}],
                  "Asc"):  # fmt: skip
        again = client.post(path, {"resultOrder": order}).json()["comments"]
        assert [row["id"] for row in again] == ids[::-1]
    client.switch(comment_order="asc")
    assert [row["id"] for row in client.post(path).json()["comments"]] == ids[::-1]
    client.act("edit_comment", id=ids[0], is_deleted=True)
    assert ids[0] not in [row["id"] for row in client.post(path).json()["comments"]]
    deleted = client.post(path, {"typeList": "Deleted"}).json()["comments"]
    assert ids[0] in [row["id"] for row in deleted]


def test_task_comments_include_technical_entries_unless_asked_otherwise(client: Client) -> None:
    task = client.account.tasks[0].id
    path = f"task/{task}/comments/list"
    rows = client.post(path, {"fields": "id,changeStatus,task"}).json()["comments"]
    assert any("changeStatus" in row for row in rows)
    assert all(row["task"] == {"id": task} for row in rows)
    plain = client.post(path, {"fields": "changeStatus", "typeList": "Comments"}).json()
    assert not any("changeStatus" in row for row in plain["comments"])


def test_the_global_comment_list(client: Client) -> None:
    window = condition(
        3000, {"dateType": "otherRange", "dateFrom": "01-01-2025", "dateTo": "31-12-2025"}
    )
    body = {"filters": [window], "fields": "id,contact,task"}
    rows = client.post("comment/list", body).json()["comments"]
    assert any("contact" in row for row in rows)
    client.switch(comment_list_contact_notes="no")
    rows = client.post("comment/list", body).json()["comments"]
    assert rows
    assert not any("contact" in row for row in rows)
    author = {"filters": [condition(3001, "user:2")], "fields": "owner"}
    rows = client.post("comment/list", author).json()["comments"]
    assert {row["owner"]["id"] for row in rows} == {"user:2"}
    client.switch(comment_list_unfiltered="allowed")
    assert client.post("comment/list").status_code == 200
    client.switch(comment_list="no")
    assert client.post("comment/list", body).status_code == 405


def test_files_are_measured_in_kilobytes_and_download_by_redirect(client: Client) -> None:
    row = next(row for row in client.contacts(fields="id,files") if row["files"])
    file = row["files"][0]
    shown = client.get(f"file/{file['id']}", params={"fields": "id,size,downloadUrl"}).json()
    assert shown["file"]["size"] == file["size"]
    moved = client.get(f"file/{file['id']}/download", allow_redirects=False)
    assert moved.status_code == 302
    content = requests.compat.urljoin(client.server.base_url, moved.headers["Location"])
    size = len(requests.get(content, timeout=5).content)
    assert file["size"] == -(-size // 1024)
    client.switch(file_size_unit="bytes")
    files = client.get(f"contact/{row['id']}/files").json()["files"]
    assert files[0]["size"] == size


def test_notes_are_html_with_entities_tables_emoji_and_control_characters(
    simulate: Callable[..., Client],
) -> None:
    client = simulate(size=2000)
    client.switch(comment_list_unfiltered="allowed", comment_list_slowness=0)
    texts = []
    while len(texts) % 100 == 0:
        body = {"offset": len(texts), "fields": "description"}
        texts += [r["description"] for r in client.post("comment/list", body).json()["comments"]]
    everything = "".join(texts)
    for piece in ("&nbsp;", "&lt;", "<table>", "🙂", "\u0007", "<script>"):
        assert piece in everything
    assert max(len(text.encode()) for text in texts) <= 65_536
