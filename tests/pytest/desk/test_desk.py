"""The desk over HTTP: who gets in, what is written, what two people do to each other."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from openpyxl import load_workbook

from desk import workbook
from desk.app import FIELDS, judged_pairs, side_by_side
from desk.store import Asked
from loaders import settings
from loaders.errors import InputFileError
from tests.pytest.conftest import PROJECT, Commands
from tests.pytest.desk.conftest import Desk

Rows = Callable[..., list[tuple[Any, ...]]]
# as in queues.pgsql
HOSTILE = '"\'><script>document.title="owned"</script><img src=x onerror=document.title="owned"> '


def hidden(page: str, name: str) -> str:
    """Value of a hidden field of a page."""
    match = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert match, f"no field {name}"
    return match[1]


def send(
    browser: requests.Session, address: str, page: str | None = None, **values: str
) -> requests.Response:
    """Fills in the form of a page and sends it."""
    page = browser.get(address, timeout=20).text if page is None else page
    given = {"csrf": hidden(page, "csrf"), **values}
    if 'name="seen"' in page and "seen" not in values:
        given["seen"] = hidden(page, "seen")
    return browser.post(address, data=given, timeout=20)


# --- who gets in ------------------------------------------------------------------------------


def test_nobody_gets_in_without_a_link(desk: Desk) -> None:
    for path in ("/", "/review", "/quarantine", "/qa", "/sign-off", "/review.xlsx"):
        reply = requests.get(desk.root + path, timeout=20, allow_redirects=False)
        assert reply.status_code == 401, path
        assert "Client" not in reply.text
    assert requests.get(f"{desk.root}/enter?token=guess", timeout=20).status_code == 403


def test_a_link_works_once(desk: Desk) -> None:
    desk.enter("anna")
    again = requests.get(desk.links["anna"], timeout=20)
    assert again.status_code == 403
    assert "used already" in again.text


def test_the_cookie_is_closed_to_scripts_and_to_other_sites(desk: Desk) -> None:
    reply = requests.get(desk.links["anna"], timeout=20, allow_redirects=False)
    cookie = reply.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


def test_every_reply_forbids_what_the_desk_does_not_need(desk: Desk) -> None:
    reply = desk.enter("anna").get(desk.root, timeout=20)
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Referrer-Policy"] == "same-origin"
    assert "waitress" not in reply.headers.get("Server", "").lower()


def test_another_name_for_this_machine_is_refused(desk: Desk) -> None:
    browser = desk.enter("anna")
    reply = browser.get(desk.root, headers={"Host": "evil.example"}, timeout=20)
    assert reply.status_code == 403


def test_a_form_without_or_with_a_foreign_token_is_refused(desk: Desk, rows: Rows) -> None:
    anna, boris = desk.enter("anna"), desk.enter("boris")
    address = f"{desk.root}/review/match:1"
    foreign = hidden(boris.get(address, timeout=20).text, "csrf")
    for given in ({}, {"csrf": ""}, {"csrf": foreign}):
        reply = anna.post(address, data={"verdict": "same", "seen": "0", **given}, timeout=20)
        assert reply.status_code == 403, given
    assert rows("select * from migration.match_decisions") == []


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_a_form_from_another_site_is_refused(desk: Desk, rows: Rows, origin: str) -> None:
    anna = desk.enter("anna")
    address = f"{desk.root}/review/match:1"
    token = hidden(anna.get(address, timeout=20).text, "csrf")
    reply = anna.post(
        address,
        data={"verdict": "same", "seen": "0", "csrf": token},
        headers={"Origin": origin},
        timeout=20,
    )
    assert reply.status_code == 403
    assert rows("select * from migration.match_decisions") == []


def test_a_get_never_decides(desk: Desk, rows: Rows) -> None:
    anna = desk.enter("anna")
    anna.get(f"{desk.root}/review/match:1?verdict=same&seen=0", timeout=20)
    assert anna.get(f"{desk.root}/undo", timeout=20).status_code == 405
    assert rows("select * from migration.match_decisions") == []


# --- review -----------------------------------------------------------------------------------


def test_merge_is_a_row_with_who_and_the_hash_of_what_was_seen(desk: Desk, rows: Rows) -> None:
    anna = desk.enter("anna")
    reply = send(anna, f"{desk.root}/review/match:1", verdict="same", why="same voice")
    assert reply.url.endswith("/review/match:2")
    assert rows(
        "select left_planfix_id, right_planfix_id, verdict, reason, decided_by, "
        "identifiers_hash = md5('1') from migration.match_decisions"
    ) == [(1, 2, "same", "same voice", "anna", True)]


def test_an_answer_goes_to_every_pair_that_is_asked_with_its_own_hash(
    desk: Desk, rows: Rows
) -> None:
    # 19 and 20 are one client already and stay so
    send(desk.enter("anna"), f"{desk.root}/review/match:10", verdict="different")
    assert rows(
        "select left_planfix_id, right_planfix_id, verdict, identifiers_hash "
        "from migration.match_decisions order by 1, 2"
    ) == [(19, 21, "different", "h1"), (21, 22, "different", "h2")]


def test_split_puts_records_into_persons(desk: Desk, rows: Rows) -> None:
    anna = desk.enter("anna")
    page = anna.get(f"{desk.root}/review/match:10", timeout=20).text
    assert re.findall(r"<option selected>(\w)<", page) == ["A", "A", "B", "C"]
    send(
        anna,
        f"{desk.root}/review/match:10",
        verdict="split",
        group_19="A",
        group_20="B",
        group_21="B",
        group_22="B",
    )
    assert rows(
        "select left_planfix_id, right_planfix_id, verdict, identifiers_hash "
        "from migration.match_decisions order by 1, 2"
    ) == [
        (19, 20, "different", None),
        (19, 21, "different", "h1"),
        (19, 22, "different", None),
        (20, 21, "same", None),
        (21, 22, "same", "h2"),
    ]


def test_an_old_decision_on_other_identifiers_does_not_count(desk: Desk, rows: Rows) -> None:
    rows(
        "insert into migration.match_decisions (left_planfix_id, right_planfix_id, verdict, "
        "decided_by, identifiers_hash) values (1, 2, 'different', 'boris', 'what it was')"
    )
    anna = desk.enter("anna")
    assert "Review: 10 open" in anna.get(f"{desk.root}/review", timeout=20).text
    assert send(anna, f"{desk.root}/review/match:1", verdict="same").status_code == 200
    assert "Review: 9 open" in anna.get(f"{desk.root}/review", timeout=20).text


def test_two_reviewers_do_not_overwrite_each_other(desk: Desk, rows: Rows) -> None:
    anna, boris = desk.enter("anna"), desk.enter("boris")
    address = f"{desk.root}/review/match:1"
    stale = boris.get(address, timeout=20).text
    send(anna, address, verdict="same")
    reply = send(boris, address, page=stale, verdict="different")
    assert "Somebody decided this meanwhile" in reply.text
    assert "by anna" in reply.text
    assert rows("select verdict, decided_by from migration.match_decisions") == [("same", "anna")]


def test_two_at_the_same_instant_leave_one_decision(desk: Desk, rows: Rows) -> None:
    address = f"{desk.root}/review/match:1"
    browsers = [desk.enter("anna"), desk.enter("boris")]
    pages = [browser.get(address, timeout=20).text for browser in browsers]
    with ThreadPoolExecutor(2) as pool:
        list(
            pool.map(
                lambda each: send(each[0], address, page=each[1], verdict="same"),
                zip(browsers, pages, strict=True),
            )
        )
    assert rows("select count(*) from migration.match_decisions") == [(1,)]


def test_undo_is_a_row_too_and_opens_the_case_again(desk: Desk, rows: Rows) -> None:
    anna = desk.enter("anna")
    page = send(anna, f"{desk.root}/review/match:1", verdict="same").text
    reply = anna.post(f"{desk.root}/undo", data={"csrf": hidden(page, "csrf")}, timeout=20)
    assert reply.url.endswith("/review/match:1")
    assert rows("select verdict, reason from migration.match_decisions order by decision_id") == [
        ("same", None),
        ("unsure", "undone"),
    ]
    assert "Review: 10 open" in anna.get(f"{desk.root}/review", timeout=20).text
    empty = anna.post(f"{desk.root}/undo", data={"csrf": hidden(page, "csrf")}, timeout=20)
    assert "Nothing to take back" in empty.text


def test_undo_does_not_undo_what_somebody_else_did_since(desk: Desk, rows: Rows) -> None:
    anna, boris = desk.enter("anna"), desk.enter("boris")
    address = f"{desk.root}/review/match:1"
    page = send(anna, address, verdict="same").text
    send(boris, address, verdict="different")
    anna.post(f"{desk.root}/undo", data={"csrf": hidden(page, "csrf")}, timeout=20)
    assert rows("select verdict from migration.match_decisions order by decision_id") == [
        ("same",),
        ("different",),
    ]


def test_filters(desk: Desk) -> None:
    anna = desk.enter("anna")
    send(anna, f"{desk.root}/review/match:1", verdict="same")
    for query, count in (
        ("", "9 open"),
        ("?status=decided", "1 decided"),
        ("?status=all", "10 all"),
        ("?number=21", "1 open"),
        ("?number=x';drop", "9 open"),
        ("?reason=full_name_alone", "9 open"),
        ("?reason=other", "0 open"),
        ("?after=-1", "9 open"),
    ):
        assert f"Review: {count}" in anna.get(f"{desk.root}/review{query}", timeout=20).text, query


def test_a_case_that_is_gone_says_so(desk: Desk, rows: Rows) -> None:
    anna = desk.enter("anna")
    address = f"{desk.root}/review/match:1"
    page = anna.get(address, timeout=20).text
    rows("delete from quality.review_queue where case_id = 'match:1'")
    reply = send(anna, address, page=page, verdict="same")
    assert reply.status_code == 404
    assert "no longer in the queue" in reply.text
    assert rows("select * from migration.match_decisions") == []


def test_queues_that_are_not_built_say_so(desk: Desk, rows: Rows) -> None:
    anna = desk.enter("anna")
    rows("drop table quality.review_queue")
    reply = anna.get(f"{desk.root}/review", timeout=20)
    assert reply.status_code == 409
    assert "run `dbt build`" in reply.text


def test_ten_thousand_cases(desk: Desk, rows: Rows) -> None:
    rows(
        "insert into quality.review_queue select 'many:' || number, 'full_name_alone', "
        "'Same phone.', 100, 1, 2, array[1, 2]::bigint[], "
        "jsonb_build_array(jsonb_build_object('left_planfix_id', 1, 'right_planfix_id', 2, "
        "'identifiers_hash', number::text)), now() from generate_series(1, 9990) as number"
    )
    anna = desk.enter("anna")
    reply = anna.get(f"{desk.root}/review", timeout=20)
    assert "Review: 10000 open" in reply.text
    assert reply.elapsed.total_seconds() < 3
    assert reply.text.count("data-open=") == 500
    last = anna.get(f"{desk.root}/review?after=9500", timeout=20)
    assert last.text.count("data-open=") == 500
    decided = send(anna, f"{desk.root}/review/match:1", verdict="same")
    assert decided.elapsed.total_seconds() < 3


# --- quarantine, worklists, survivors, QA ---------------------------------------------------------


def test_correct_accept_drop_and_take_back(desk: Desk, rows: Rows) -> None:
    anna = desk.enter("anna")
    address = f"{desk.root}/quarantine"
    keys = [
        row[0]
        for row in rows(
            "select contact_point_key from quality.quarantine "
            "where contact_point_key is not null order by 1"
        )
    ]
    given = {"seen": "0", "status": "open"}
    send(anna, address, key=keys[0], action="correct", corrected="+12025550143", **given)
    send(anna, address, key=keys[1], action="accept", **given)
    send(anna, address, key=keys[2], action="drop", **given)
    page = anna.get(address, timeout=20).text
    assert "Quarantine: 4 open" in page
    anna.post(f"{desk.root}/undo", data={"csrf": hidden(page, "csrf")}, timeout=20)
    assert rows(
        "select contact_point_key, planfix_id, action, corrected_value, decided_by "
        "from migration.value_decisions order by decision_id"
    ) == [
        (keys[0], 1, "correct", "+12025550143", "anna"),
        (keys[1], 2, "accept", None, "anna"),
        (keys[2], 3, "drop", None, "anna"),
        (keys[2], 3, "withdraw", None, "anna"),
    ]
    assert "Quarantine: 5 open" in anna.get(address, timeout=20).text


def test_a_correction_that_is_not_valid_either_is_refused(desk: Desk, rows: Rows) -> None:
    anna = desk.enter("anna")
    key = rows("select min(contact_point_key) from quality.quarantine")[0][0]
    reply = send(
        anna, f"{desk.root}/quarantine", key=key, action="correct", corrected="12", seen="0"
    )
    assert "not valid either (too short)" in reply.text
    assert rows("select * from migration.value_decisions") == []


def test_the_next_build_finds_the_results_of_a_corrected_value(desk: Desk, rows: Rows) -> None:
    # a server without Python in the database reads results from such tables
    rows(
        "create schema python_functions; "
        "create table python_functions.parse_phone_results (args_hash uuid primary key, "
        "result jsonb)"
    )
    anna = desk.enter("anna")
    key = rows("select min(contact_point_key) from quality.quarantine")[0][0]
    given = {"key": key, "action": "correct", "corrected": "8 909 091-71-79", "seen": "0"}
    send(anna, f"{desk.root}/quarantine", **given)
    assert rows(
        "select result -> 0 ->> 'e164' from python_functions.parse_phone_results where args_hash "
        "= md5(jsonb_build_array('8 909 091-71-79'::text, 'RU'::text)::text)::uuid"
    ) == [("+79090917179",)]


def test_what_is_no_contact_point_can_be_dropped_or_mapped(
    desk: Desk, rows: Rows, mapping: Path
) -> None:
    anna = desk.enter("anna")
    address = f"{desk.root}/quarantine"
    send(anna, address, key="value:timezone:5", action="drop", seen="0")
    assert send(anna, address, key="value:consent:5", action="accept", seen="0").status_code == 404
    assert rows("select contact_point_key, action from migration.value_decisions") == [
        ("value:timezone:5", "drop")
    ]
    page = anna.get(address, timeout=20).text
    answer = {"value_raw_value": "ask", "value_status": "denied"}
    assert "Take back" in send(anna, f"{desk.root}/worklist/consents", page, **answer).text
    assert "ask,denied" in (mapping / "consent_values.csv").read_text(encoding="utf-8")
    anna.post(f"{desk.root}/undo", data={"csrf": hidden(page, "csrf")}, timeout=20)
    assert "ask,denied" not in (mapping / "consent_values.csv").read_text(encoding="utf-8")


def test_every_click_is_a_row_with_who(desk: Desk, rows: Rows) -> None:
    anna = desk.enter("anna")
    key = rows("select min(contact_point_key) from quality.quarantine")[0][0]
    sample = rows("select sample_key from quality.qa_sample order by place")[0][0]
    page = send(anna, f"{desk.root}/review/match:1", verdict="same").text
    send(anna, f"{desk.root}/review/match:1", page, verdict="different", seen="0-stale")
    send(anna, f"{desk.root}/quarantine", key=key, action="drop", seen="0")
    send(anna, f"{desk.root}/worklist/managers", value_planfix_user_id="9005",
         value_riderra_user_id="usr_1")  # fmt: skip
    client = "00000000-0000-0000-0000-000000000029"
    send(anna, f"{desk.root}/customer/{client}", field="city", planfix_id="30")
    send(anna, f"{desk.root}/qa/{sample}", verdict="wrong", comment="two people")
    for _ in range(5):
        anna.post(f"{desk.root}/undo", data={"csrf": hidden(page, "csrf")}, timeout=20)
    anna.get(f"{desk.root}/review.xlsx", timeout=20)
    assert rows(
        "select page, item, action, detail from migration.desk_actions "
        "where acted_by = 'anna' order by action_id"
    ) == [
        ("enter", "desk", "enter", None),
        ("review", "match:1", "same", None),
        ("review", "match:1", "different", "stale: nothing was written"),
        ("quarantine", key, "drop", None),
        ("managers", "9005", "answer", "manager_mapping.csv: {'riderra_user_id': 'usr_1'}"),
        ("customer", f"{client} city", "pick", "card 30"),
        ("qa", sample, "wrong", None),
        ("qa", sample, "undo", None),
        ("field", client, "undo", None),
        ("answer", "9005", "undo", None),
        ("value", key, "undo", None),
        ("review", "match:1", "undo", None),
        ("review", "10 rows", "export", None),
    ]
    # each undo said the opposite, in rows of their own
    assert rows("select planfix_id from migration.field_decisions order by 1") == [(29,), (30,)]
    assert "QA sample: 2 of 2 wait" in anna.get(f"{desk.root}/qa", timeout=20).text


def test_a_correction_needs_a_value_and_a_known_key(desk: Desk, rows: Rows) -> None:
    anna = desk.enter("anna")
    address = f"{desk.root}/quarantine"
    key = rows("select min(contact_point_key) from quality.quarantine")[0][0]
    assert (
        "right value first"
        in send(anna, address, key=key, action="correct", corrected=" ", seen="0").text
    )
    assert send(anna, address, key="9:phone:0", action="drop", seen="0").status_code == 404
    assert send(anna, address, key=key, action="explode", seen="0").status_code == 400
    assert rows("select * from migration.value_decisions") == []


@pytest.mark.parametrize(
    ("name", "file", "given"),
    [
        (
            "managers",
            "manager_mapping.csv",
            {"planfix_user_id": "9005", "riderra_user_id": "usr_1"},
        ),
        (
            "tags",
            "tag_mapping.csv",
            {
                "source_kind": "data_tag",
                "source_value": HOSTILE + "tag.value",
                "target_kind": "tag",
                "target_tag": "Call, new",
                "action": "keep",
            },
        ),
        (
            "custom_fields",
            "custom_field_mapping.csv",
            {"object_type": "contact", "custom_field_id": "3116", "target": "ignore"},
        ),
        ("csv_headers", "csv_headers.csv", {"header": 'Столбец; с "кавычкой"', "field": "ignore"}),
    ],
)
def test_an_answer_is_a_row_of_the_mapping_file(
    desk: Desk, mapping: Path, name: str, file: str, given: dict[str, str]
) -> None:
    anna = desk.enter("anna")
    address = f"{desk.root}/worklist/{name}"
    before = (mapping / file).read_text(encoding="utf-8")
    fields = {f"value_{column}": value for column, value in given.items()}
    assert send(anna, address, **fields).status_code == 200
    assert send(anna, address, **fields).status_code == 200
    with (mapping / file).open(encoding="utf-8", newline="") as lines:
        found = [row for row in csv.DictReader(lines) if given.items() <= row.items()]
    assert len(found) == 1
    assert "Take back" in anna.get(address, timeout=20).text
    send(anna, address, action="withdraw", **fields)
    assert sorted((mapping / file).read_text(encoding="utf-8").splitlines()) == sorted(
        before.splitlines()
    )


def test_two_who_answer_one_question_do_not_overwrite_each_other(
    desk: Desk, mapping: Path, rows: Rows
) -> None:
    anna, boris = desk.enter("anna"), desk.enter("boris")
    address = f"{desk.root}/worklist/managers"
    stale = boris.get(address, timeout=20).text
    send(anna, address, value_planfix_user_id="9005", value_riderra_user_id="usr_1")
    reply = send(boris, address, stale, value_planfix_user_id="9005", value_riderra_user_id="x")
    assert "Somebody decided this meanwhile" in reply.text
    assert "9005,usr_1" in (mapping / "manager_mapping.csv").read_text(encoding="utf-8")
    address = f"{desk.root}/customer/00000000-0000-0000-0000-000000000029"
    stale = boris.get(address, timeout=20).text
    send(anna, address, field="city", planfix_id="30")
    reply = send(boris, address, stale, field="city", planfix_id="29")
    assert "Somebody decided this meanwhile" in reply.text
    assert rows("select decided_by from migration.field_decisions") == [("anna",)]


def test_an_answer_cannot_smuggle_lines_or_columns_in(desk: Desk, mapping: Path) -> None:
    anna = desk.enter("anna")
    address = f"{desk.root}/worklist/managers"
    before = (mapping / "manager_mapping.csv").read_bytes()
    for given in (
        {"value_planfix_user_id": "9005", "value_riderra_user_id": "a\nb,c"},
        {"value_planfix_user_id": "9005", "value_other": "x"},
        {"value_planfix_user_id": ""},
    ):
        assert send(anna, address, **given).status_code in {400, 409}, given
    assert anna.get(f"{desk.root}/worklist/passwd", timeout=20).status_code == 404
    assert (mapping / "manager_mapping.csv").read_bytes() == before


def test_pick_the_value_that_survives(desk: Desk, rows: Rows) -> None:
    anna = desk.enter("anna")
    address = f"{desk.root}/customer/00000000-0000-0000-0000-000000000029"
    assert "survives" in anna.get(address, timeout=20).text
    assert send(anna, address, field="city", planfix_id="30").status_code == 200
    assert send(anna, address, field="city", planfix_id="1").status_code == 404
    assert send(anna, address, field="id", planfix_id="30").status_code == 404
    assert rows("select field, planfix_id, decided_by from migration.field_decisions") == [
        ("city", 30, "anna")
    ]


def test_qa_verdicts(desk: Desk, rows: Rows) -> None:
    anna = desk.enter("anna")
    keys = [row[0] for row in rows("select sample_key from quality.qa_sample order by place")]
    following = send(anna, f"{desk.root}/qa/{keys[0]}", verdict="wrong", comment="two people")
    assert following.url.endswith(f"/qa/{keys[1]}")
    assert send(anna, f"{desk.root}/qa/{keys[1]}", verdict="correct").url.endswith("/qa")
    stale = send(anna, f"{desk.root}/qa/{keys[0]}", verdict="correct", seen="0")
    assert "Somebody decided" in stale.text
    assert rows("select verdict, comment, given_by from migration.qa_verdicts order by 1") == [
        ("correct", None, "anna"),
        ("wrong", "two people", "anna"),
    ]


def test_only_the_owner_sees_the_pen(desk: Desk) -> None:
    anna, olga = desk.enter("anna"), desk.enter("olga")
    page = anna.get(f"{desk.root}/sign-off", timeout=20).text
    assert "Only the Owner signs off" in page
    assert send(anna, f"{desk.root}/sign-off", comment="x").status_code == 403
    assert "Sign off as olga" in olga.get(f"{desk.root}/sign-off", timeout=20).text


# --- workbook ---------------------------------------------------------------------------------


def test_workbook_goes_out_harmless_and_comes_back(desk: Desk, rows: Rows) -> None:
    anna = desk.enter("anna")
    content = anna.get(f"{desk.root}/review.xlsx", timeout=20).content
    book = load_workbook(io.BytesIO(content))
    sheet = book["review"]
    cells = [cell for line in sheet.iter_rows(min_row=2) for cell in line if cell.value]
    assert len(list(sheet.iter_rows(min_row=2))) == 10
    assert [cell.value for cell in cells if cell.data_type == "f"] == []
    assert [cell.value for cell in cells if str(cell.value)[:1] in "=+-@"] == []
    assert any(str(cell.value).startswith("'=HYPERLINK") for cell in cells)
    sheet["E2"], sheet["F2"] = "same", "=1+1"
    sheet["E3"] = "Different"
    back = io.BytesIO()
    book.save(back)
    # somebody decides one of them on the screen meanwhile
    send(desk.enter("boris"), f"{desk.root}/review/match:2", verdict="unsure")
    token = hidden(anna.get(f"{desk.root}/review", timeout=20).text, "csrf")
    reply = anna.post(
        f"{desk.root}/review.xlsx",
        data={"csrf": token},
        files={"file": ("review.xlsx", back.getvalue())},
        timeout=20,
    )
    assert "1 decisions taken over; 1 left alone" in reply.text
    assert rows(
        "select left_planfix_id, verdict, decided_by from migration.match_decisions order by 1"
    ) == [(1, "same", "anna"), (3, "unsure", "boris")]


def test_workbook_of_the_quarantine_comes_back(desk: Desk, rows: Rows) -> None:
    anna = desk.enter("anna")
    book = load_workbook(io.BytesIO(anna.get(f"{desk.root}/quarantine.xlsx", timeout=20).content))
    sheet = book["quarantine"]
    assert sheet.max_row == 5
    keys = [sheet.cell(row, 1).value for row in range(2, 6)]
    for row, (decision, corrected) in enumerate(
        (("correct", "'+12025550143"), ("correct", "12"), ("drop", ""), ("accept", "")), start=2
    ):
        sheet.cell(row, 7).value, sheet.cell(row, 8).value = decision, corrected
    # somebody wrote another value into the column of the question
    sheet.cell(5, 5).value = "+12025550199"
    back = io.BytesIO()
    book.save(back)
    token = hidden(anna.get(f"{desk.root}/quarantine", timeout=20).text, "csrf")
    reply = anna.post(
        f"{desk.root}/quarantine.xlsx",
        data={"csrf": token},
        files={"file": ("quarantine.xlsx", back.getvalue())},
        timeout=20,
    )
    assert "2 decisions taken over; 2 left alone" in reply.text
    assert "line 3: the corrected value is not valid either" in reply.text
    assert "line 5: cells of the value were changed" in reply.text
    assert rows(
        "select contact_point_key, action, corrected_value from migration.value_decisions "
        "order by decision_id"
    ) == [(keys[0], "correct", "+12025550143"), (keys[2], "drop", None)]


def test_a_case_that_asks_about_other_cards_by_now_is_stale(desk: Desk, rows: Rows) -> None:
    anna = desk.enter("anna")
    address = f"{desk.root}/review/match:1"
    page = anna.get(address, timeout=20).text
    rows(
        "update quality.review_queue set planfix_ids = array[1, 2, 3]::bigint[] "
        "where case_id = 'match:1'"
    )
    assert "Somebody decided" in send(anna, address, page, verdict="same").text
    assert rows("select * from migration.match_decisions") == []


@pytest.mark.parametrize(
    "value", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "\x00=1", "=cmd|' /C calc'!A0"]
)
def test_no_cell_starts_as_a_formula(value: str) -> None:
    assert workbook.harmless(value).startswith("'")


@pytest.mark.parametrize("content", [b"", b"no workbook", b"PK\x03\x04broken"])
def test_a_file_that_is_no_workbook_is_refused(content: bytes) -> None:
    with pytest.raises(InputFileError):
        workbook.read(workbook.REVIEW, content)


def test_changed_rows_of_a_workbook_are_named() -> None:
    book = load_workbook(
        io.BytesIO(
            workbook.written(
                workbook.REVIEW,
                [{"case_id": "a", "version": "0-" + "0" * 12, "reason": "s", "planfix_ids": [1]}],
            )
        )
    )
    book["review"]["E2"] = "perhaps"
    changed = io.BytesIO()
    book.save(changed)
    with pytest.raises(InputFileError, match="line 2"):
        workbook.read(workbook.REVIEW, changed.getvalue())


# --- parts ------------------------------------------------------------------------------------


def test_pairs_of_one_person_are_a_chain() -> None:
    assert judged_pairs({3: "A", 1: "A", 2: "A"}, []) == [Asked(1, 2, "same"), Asked(2, 3, "same")]


def test_fields_that_say_the_same_in_another_case_do_not_differ() -> None:
    empty = dict.fromkeys(key for key, _ in FIELDS)
    table = side_by_side(
        [
            {**empty, "planfix_id": 1, "city": "Kazan", "given_name": "Vera"},
            {**empty, "planfix_id": 2, "city": "KAZAN", "given_name": None},
        ]
    )
    assert [(row["key"], row["differs"]) for row in table] == [
        ("planfix_id", False),
        ("given_name", False),
        ("city", False),
    ]


def start(found: settings.DatabaseSettings, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "desk", *arguments],
        cwd=PROJECT,
        env=Commands(found, folder).environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_prints_a_link_for_each_reviewer_and_listens_here_only(
    queues: settings.DatabaseSettings, tmp_path: Path
) -> None:
    process = start(queues, tmp_path, "--reviewer", "anna", "--owner", "olga")
    try:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(3)]
        assert re.fullmatch(r"anna: http://127\.0\.0\.1:\d+/enter\?token=\S{40,}\n", lines[0])
        assert lines[1].startswith("olga: http://127.0.0.1:")
        link = lines[0].split(": ", 1)[1].strip()
        assert requests.get(link, timeout=20).status_code == 200
        listening = psutil.Process(process.pid).net_connections(kind="inet")
        assert {found.laddr.ip for found in listening if found.status == "LISTEN"} == {"127.0.0.1"}
    finally:
        process.terminate()
        process.wait(20)


def test_the_desk_needs_a_database(tmp_path: Path) -> None:
    nowhere = settings.DatabaseSettings("127.0.0.1", 1, "nobody", "secret", "nowhere")
    process = start(nowhere, tmp_path)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 7
    assert told.startswith("error: cannot connect")
    assert "secret" not in told
