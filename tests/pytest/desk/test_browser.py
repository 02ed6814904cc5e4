"""The desk in a real browser: keyboard, hostile text, nothing fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

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


HOSTILE = '"\'><script>document.title="owned"</script><img src=x onerror=document.title="owned"> '
CARD = (  # noqa: SIM905
    "kind display_name given_name middle_name family_name company_name position website address "
    "city country_code language timezone birth_date gender registration_number group_name "
    "owner_name email skype extension tag"
).split()
SAMPLE = (  # noqa: SIM905
    "rule name midname lastname position site address email telegram skype description gender "
    "birthDate group phone field fieldvalue file header cell csvname"
).split()
PLACES = [
    *(f"card.{name}" for name in CARD),
    *(f"qa.{name}" for name in SAMPLE),
    *(f"crm.{name}" for name in ("name", "value", "author", "body", "status", "tag")),
    *("case.reason", "case.name", "pair.sentence", "evidence.sentence"),
    *("value.raw", "value.sentence", "value.advice", "value.mapped"),
    *("manager.name", "tag.value", "field.name", "header"),
    *("gate.sentence", "step.detail"),
]


def harmless(browser: Browser) -> None:
    """The page holds the desk's own elements only, and nothing of a text was run."""
    assert browser.run("document.title") != "owned"
    # the desk's own script and style, whatever the text says
    assert browser.run("document.querySelectorAll('script').length") == 1
    assert browser.run("document.querySelectorAll('img, iframe, object').length") == 0
    assert browser.run("document.querySelectorAll('[onerror], [onmouseover]').length") == 0


def test_hostile_text_in_every_field_is_shown_as_text(
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
        harmless(browser)
    # a value that differs is cut into words, each in an element of its own
    seen = "".join(seen.split())
    assert [place for place in PLACES if "".join(f"{HOSTILE}{place}".split()) not in seen] == []
    assert browser.run("document.querySelectorAll('datalist option').length") == 0
    browser.open(f"{desk.root}/worklist/managers")
    options = browser.run("document.querySelector('#users option').textContent")
    assert options.split() == f"{HOSTILE}user.name {HOSTILE}user.email".split()
    assert "{{ 7 * 7 }}" in seen.replace("{{7*7}}", "{{ 7 * 7 }}")
    assert browser.problems == []


def test_hostile_text_typed_at_the_desk_is_shown_as_text(
    desk: Desk, browser: Browser, rows: Rows
) -> None:
    browser.open(desk.links["mallory"])
    key = rows("select sample_key from quality.qa_sample order by place")[0][0]
    for path, field in (
        ("/review/match:2", "why"),
        (f"/qa/{key}", "comment"),
        ("/worklist/tags", "value_target_tag"),
        ("/worklist/managers", "value_riderra_user_id"),
    ):
        browser.open(desk.root + path)
        browser.run(
            f"document.querySelector('[name={field}]').value = {HOSTILE!r}; window.left = true; "
            f"document.querySelector('[name={field}]').form.querySelector('button').click()"
        )
        browser.wait("window.left === undefined && document.readyState === 'complete'")
        harmless(browser)
    query = quote(HOSTILE)
    for path in (
        *PAGES,
        f"/qa/{key}",
        f"/review?status=all&reason={query}&number={query}",
        f"/quarantine?status={query}&field={query}&reason={query}",
        f"/review/match:2?reason={query}",
        f"/review/{query}",
        f"/{query}",
        f"/enter?token={query}",
    ):
        browser.open(desk.root + path)
        harmless(browser)
    assert rows("select count(*) from migration.match_decisions where reason = %s", HOSTILE.strip())
    assert [text for text in browser.problems if "Failed to load resource" not in text] == []


def test_without_the_link_there_is_nothing_to_see(desk: Desk, browser: Browser) -> None:
    for path in (*PAGES, "/review.xlsx"):
        browser.open(desk.root + path)
        assert "Open the link that the desk printed" in browser.text(), path
        assert "Client" not in browser.text()


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
    assert browser.run("document.querySelector('input[name=why]').value") == "suds"
    assert rows("select * from migration.match_decisions") == []


def test_differences_are_marked(desk: Desk, browser: Browser) -> None:
    browser.open(desk.links["anna"])
    browser.open(f"{desk.root}/review/match:2")
    marked = browser.run(
        "[...document.querySelectorAll('tr.differs th')].map((cell) => cell.textContent).join()"
    )
    assert marked == "Name,Phones,City"


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


def test_ten_thousand_cases_by_keyboard(desk: Desk, browser: Browser, rows: Rows) -> None:
    rows(
        "insert into quality.review_queue select 'many:' || number, 'full_name_alone', "
        "'Same phone.', 100, 1, 2, array[1, 2]::bigint[], "
        "jsonb_build_array(jsonb_build_object('left_planfix_id', 1, 'right_planfix_id', 2, "
        "'identifiers_hash', number::text)), now() from generate_series(1, 9990) as number"
    )
    browser.open(desk.links["anna"])
    browser.press_and_follow("r")
    assert "Review: 10000 open" in browser.text()
    assert browser.run("performance.getEntriesByType('navigation')[0].duration") < 3000
    browser.press_and_follow("n")
    assert "501–1000 of 10000" in browser.text()
    browser.press("j")
    browser.press_and_follow("Enter")
    browser.press_and_follow("u")
    assert browser.run("performance.getEntriesByType('navigation')[0].duration") < 3000
    assert "1 of 10000 cases decided" in browser.text()


def test_a_row_of_the_quarantine_is_settled_by_keys(
    desk: Desk, browser: Browser, rows: Rows
) -> None:
    browser.open(desk.links["anna"])
    browser.open(f"{desk.root}/quarantine?field=phone")
    browser.press("j")
    browser.press("e")
    browser.call("Input.insertText", text="+12025550143")
    browser.press("Escape")
    browser.press_and_follow("c")
    # the row that came up to its place is chosen
    browser.press_and_follow("x")
    browser.press_and_follow("z")
    assert rows(
        "select action, corrected_value from migration.value_decisions order by decision_id"
    ) == [("correct", "+12025550143"), ("drop", None), ("withdraw", None)]


def test_persons_of_a_split_are_turned_by_digits(desk: Desk, browser: Browser, rows: Rows) -> None:
    browser.open(desk.links["anna"])
    browser.open(f"{desk.root}/review/match:10")
    browser.press("3")
    browser.press("3")
    browser.press("3")
    browser.press_and_follow("p")
    assert rows(
        "select left_planfix_id, right_planfix_id from migration.match_decisions "
        "where verdict = 'same' order by 1, 2"
    ) == [(19, 20), (19, 21), (20, 21)]


def test_a_list_is_filtered_while_typing(desk: Desk, browser: Browser) -> None:
    browser.open(desk.links["anna"])
    browser.open(f"{desk.root}/worklist/csv_headers")
    browser.press("/")
    browser.call("Input.insertText", text="кавычкой")
    assert browser.run("document.querySelectorAll('tr[data-row]:not([hidden])').length") == 1
