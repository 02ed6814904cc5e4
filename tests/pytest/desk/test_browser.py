"""The desk in a real browser: keyboard, hostile text, nothing fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.pytest.chromium import Browser
from tests.pytest.desk.conftest import Desk

Rows = Callable[..., list[tuple[Any, ...]]]
PAGES = (
    "/",
    "/review",
    "/review/match:1",
    "/review/match:2",
    "/review/match:10",
    "/quarantine",
    "/worklist/managers",
    "/worklist/tags",
    "/worklist/custom_fields",
    "/worklist/csv_headers",
    "/customer/00000000-0000-0000-0000-000000000001",
    "/customer/00000000-0000-0000-0000-000000000029",
    "/qa",
    "/sign-off",
)


def test_hostile_text_is_shown_as_text_on_every_page(
    desk: Desk, browser: Browser, rows: Rows
) -> None:
    browser.open(desk.links["anna"])
    key = rows("select sample_key from quality.qa_sample order by place")[0][0]
    rows(
        "insert into intermediate.int_customers__provenance "
        "values ('00000000-0000-0000-0000-000000000001', 'city', 1, 'most_recent')"
    )
    seen = ""
    for path in (*PAGES, f"/qa/{key}"):
        browser.open(desk.root + path)
        seen += browser.text()
        assert browser.run("document.title") != "owned", path
        # only the desk's own script and style, whatever the text says
        assert browser.run("document.querySelectorAll('script').length") == 1, path
        assert (
            browser.run("document.querySelectorAll('img, iframe, object, b[onmouseover]').length")
            == 0
        )
        assert browser.run("document.querySelectorAll('[onerror], [onmouseover]').length") == 0
    assert '<script>document.title="owned"</script>' in seen
    assert 'Vera"><img src=x onerror=document.title="owned">' in seen
    assert "<b onmouseover=alert(1)>Same phone</b>" in seen
    assert "{{ 7 * 7 }}" in seen
    assert browser.problems == []


def test_nothing_is_fetched_from_elsewhere(desk: Desk, browser: Browser) -> None:
    browser.open(desk.links["anna"])
    for path in PAGES:
        browser.open(desk.root + path)
    assert browser.requests
    assert [address for address in browser.requests if not address.startswith(desk.root)] == []


def test_cases_are_settled_by_the_keyboard_alone(desk: Desk, browser: Browser, rows: Rows) -> None:
    browser.open(desk.links["anna"])
    browser.press_and_follow("r")
    assert "Review: 10 open" in browser.text()
    browser.press("j")
    browser.press("j")
    assert browser.run("document.querySelector('tr[aria-selected=true] a').textContent") == "3, 4"
    browser.press("k")
    browser.press_and_follow("Enter")
    assert "Vera" in browser.text()
    browser.press_and_follow("s")
    browser.press_and_follow("d")
    browser.press_and_follow("u")
    browser.press_and_follow("z")
    assert "taken back" in browser.text()
    assert rows(
        "select left_planfix_id, verdict, reason from migration.match_decisions "
        "order by decision_id"
    ) == [(1, "same", None), (3, "different", None), (5, "unsure", None), (5, "unsure", "undone")]


def test_typing_a_reason_presses_no_button(desk: Desk, browser: Browser, rows: Rows) -> None:
    browser.open(desk.links["anna"])
    browser.open(f"{desk.root}/review/match:1")
    browser.press("w")
    browser.call("Input.insertText", text="sud")
    browser.press("s")
    assert browser.run("document.querySelector('input[name=reason]').value") == "suds"
    assert rows("select * from migration.match_decisions") == []


def test_differences_are_marked(desk: Desk, browser: Browser) -> None:
    browser.open(desk.links["anna"])
    browser.open(f"{desk.root}/review/match:2")
    marked = browser.run(
        "[...document.querySelectorAll('tr.differs th')].map((cell) => cell.textContent).join()"
    )
    assert marked == "Name,Given name,Phones,City"


def test_a_stale_tab_is_told(desk: Desk, browser: Browser, rows: Rows) -> None:
    browser.open(desk.links["anna"])
    browser.open(f"{desk.root}/review/match:1")
    rows(
        "insert into migration.match_decisions (left_planfix_id, right_planfix_id, verdict, "
        "decided_by, identifiers_hash) values (1, 2, 'different', 'boris', md5('1'))"
    )
    browser.press_and_follow("s")
    assert "Somebody decided this meanwhile" in browser.text()
    assert "different by boris" in browser.text()
    assert rows("select verdict from migration.match_decisions") == [("different",)]


def test_a_forged_form_of_another_page_changes_nothing(
    desk: Desk, browser: Browser, rows: Rows
) -> None:
    browser.open(desk.links["anna"])
    # a page that is not the desk's sends the desk's form
    browser.open(
        "data:text/html,<form method=post action='" + desk.root + "/review/match:1'>"
        "<input name=verdict value=same><input name=seen value=0></form>"
    )
    browser.run("window.left = true; document.forms[0].submit()")
    browser.wait("window.left === undefined && document.readyState === 'complete'")
    assert rows("select * from migration.match_decisions") == []


def test_the_desk_fits_a_phone(desk: Desk, browser: Browser) -> None:
    browser.resize(390, 800)
    browser.open(desk.links["anna"])
    for path in PAGES:
        browser.open(desk.root + path)
        assert browser.run("document.documentElement.scrollWidth") <= 400, path
