"""The page and the summary: right figures, both languages, nothing from outside, nothing run."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import psycopg
import pytest

from loaders import settings
from report import __main__ as command
from report import charts, facts, history, messages, page, reader, summary
from tests.pytest.chromium import Browser


def gather(found: settings.DatabaseSettings) -> facts.Facts:
    with psycopg.connect(found.url()) as link, reader.snapshot(link, "riderra", "") as view:
        return facts.collect(view)


@pytest.fixture(scope="module")
def finished(built: settings.DatabaseSettings) -> facts.Facts:
    return gather(built)


HEADING = page.Heading("postgresql://anna@127.0.0.1:5432/riderra", datetime(2026, 8, 1, tzinfo=UTC))


class Elements(HTMLParser):
    """Collects tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_every_part_of_a_finished_migration_can_be_read(finished: facts.Facts) -> None:
    assert finished.missing == {}
    assert finished.unbalanced == 0
    assert finished.is_accepted is True
    assert [row["records"] for row in finished.funnel] == [2000, 1962, 1480, 1480, 1431]
    assert {row["queue"]: row["open"] for row in finished.queues} == {
        "quarantine": 134,
        "review_queue": 12,
        "worklist_managers": 1,
        "worklist_tags": 4,
        "worklist_custom_fields": 1,
        "worklist_csv_headers": 0,
    }
    assert finished.rows_written == 90 * 1003


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_page_needs_no_network_and_runs_nothing(finished: facts.Facts, language: str) -> None:
    text = page.render(finished, HEADING, language)
    elements = Elements()
    elements.feed(text)
    tags = {tag for tag, _ in elements.found}
    assert tags.isdisjoint({"script", "link", "img", "iframe", "object", "form"})
    attributes = [(name, value) for _, found in elements.found for name, value in found.items()]
    assert [name for name, _ in attributes if name.startswith("on") or name == "src"] == []
    outside = [value for name, value in attributes if name.endswith("href") and value]
    assert [value for value in outside if not value.startswith("#")] == []
    assert "url(" not in text
    assert "@import" not in text
    assert len([tag for tag, _ in elements.found if tag == "svg"]) == 4


def test_sections_hold_the_figures(finished: facts.Facts) -> None:
    text = page.render(finished, HEADING, "en")
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))
    for expected in (
        "Gates pass, some of them by a waiver of the Owner.",
        "Total 2,000",
        "The books balance",
        "waived until 2026-09-01",
        "Russia 1,500 5.54",
        "131 requests used; the floor for this account is 120.",
        "90 batches, 90,270 rows in 45.3 s of writing",
        "The extract of tasks is incomplete",
        "This is the first run",
    ):
        assert expected in plain, expected


def test_shared_page_has_counts_only_and_the_internal_one_names(
    built: settings.DatabaseSettings, finished: facts.Facts
) -> None:
    with psycopg.connect(built.url()) as link, reader.snapshot(link, "riderra", "") as view:
        everything = facts.collect(view, with_keys=True)
    told = ("one task is being archived", "anna", HEADING.database, "11, 4011", "4127")
    internal = replace(HEADING, is_internal=True)
    shown = page.render(everything, internal, "en")
    assert [text for text in told if text not in shown] == []
    shared = page.render(everything, HEADING, "en")
    assert [text for text in told if text in shared] == []
    assert finished.keys == []


def test_runs_stand_one_below_the_other(finished: facts.Facts) -> None:
    assert [row["run_id"] for row in finished.runs] == ["r2", "r1"]
    assert [row["inserted"] for row in finished.runs] == [81000, 0]
    text = page.render(finished, HEADING, "en")
    assert "2026-07-31 08:05 UTC" in text.split('<section id="changes">')[1]


def test_written_rows_stand_beside_the_plan(finished: facts.Facts) -> None:
    assert page._written(finished) == {
        "customers": {"inserted": 81000},
        "customer_contacts": {"updated": 9000},
        "customer_tags": {"retired": 270},
    }


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_page_fits_a_phone_a_desk_and_paper_in_a_real_browser(
    finished: facts.Facts, language: str, tmp_path: Path, browser: Browser
) -> None:
    found = tmp_path / "report.html"
    found.write_text(page.render(finished, HEADING, language, finished.figures()), "utf-8")
    for width in (390, 1280):
        browser.resize(width, 800)
        browser.open(found.as_uri())
        assert browser.run("document.documentElement.scrollWidth") <= width, width
        too_wide = browser.run(
            "[...document.querySelectorAll('section')].filter((found) => "
            "found.scrollWidth > found.clientWidth).map((found) => found.id).join()"
        )
        assert too_wide == "", width
        # a figure in a chart is no smaller than small print
        smallest = browser.run(
            "Math.min(...[...document.querySelectorAll('svg text')].map((found) => "
            "parseFloat(getComputedStyle(found).fontSize) * found.getScreenCTM().a))"
        )
        assert smallest >= 9, width
    assert browser.call("Page.printToPDF")["data"]
    assert {address.split(":")[0] for address in browser.requests} == {"file"}
    assert browser.problems == []


def test_russian_page_is_russian(finished: facts.Facts) -> None:
    text = page.render(finished, HEADING, "ru")
    assert '<html lang="ru">' in text
    assert "Баланс сходится" in text
    assert "2\u00a0000" in text
    assert "Acceptance" not in text


def test_both_languages_have_every_text_with_the_same_gaps() -> None:
    for key, texts in messages.TEXTS.items():
        assert set(texts) == set(messages.LANGUAGES), key
        gaps = {language: set(re.findall(r"{(\w+)}", text)) for language, text in texts.items()}
        assert gaps["en"] == gaps["ru"], key


def test_every_code_that_people_see_has_a_russian_name() -> None:
    def codes(seed: str, key: str) -> list[dict[str, str]]:
        with (settings.PROJECT_ROOT / "seeds" / "rules" / seed).open(encoding="utf-8") as lines:
            return [row for row in csv.DictReader(lines) if row[key]]

    defects = {
        row["reason_code"]
        for row in codes("reason_codes.csv", "reason_code")
        if row["severity"] == "defect" and row["area"] != "worklist"
    }
    rules = {row["rule_id"] for row in codes("match_rules.csv", "rule_id")}
    gates = {f"gate_{row['gate']}" for row in codes("gates.csv", "gate")}
    assert sorted((defects | rules) - set(messages.RUSSIAN)) == []
    assert sorted(gates - set(messages.TEXTS)) == []


def test_unknown_codes_and_hostile_ones_are_shown_as_text(finished: facts.Facts) -> None:
    hostile = facts.Facts(
        acceptance=[
            {
                "gate": "new",
                "description": "<script>alert(1)</script>",
                "value": 1.0,
                "comparison": ">=",
                "limit_value": 1.0,
                "unit": "count",
                "is_met": True,
                "waived_by": None,
                "waived_until": None,
            }
        ],
        countries=[
            {
                "country_code": "<img src=x onerror=alert(1)>",
                "clients": 1,
                "with_phone": 0,
                "with_email": 0,
                "incomplete": 1,
            }
        ],
    )
    text = page.render(hostile, HEADING, "en")
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;alert(1)" in text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.0, "100"),
        (0.0, "0"),
        (0.99996, "99.996"),
        (0.00004, "0.004"),
        (0.9971, "99.7"),
        (0.9679e-2, "0.97"),
    ],
)
def test_a_share_is_never_rounded_up_to_all(value: float, shown: str) -> None:
    assert page._share("en", value) == f"{shown}\u202f%"


def test_failing_gate_comes_first_and_a_waived_one_does_not(finished: facts.Facts) -> None:
    failing = {**finished.acceptance[0], "is_met": False, "gate": "manual_review"}
    stopped = facts.Facts(acceptance=[failing], gates=finished.gates, balance=finished.balance)
    steps = page._steps(stopped, "en")
    assert steps[0].startswith("“Records that wait for a person” fails.")
    assert len([step for step in steps if "fails" in step]) == 1
    assert page._verdict(stopped) == ("verdict_failed", "bad")


def test_lost_record_is_shown_as_unbalanced(finished: facts.Facts) -> None:
    lost = facts.Facts(
        acceptance=finished.acceptance,
        balance=[*finished.balance, {"outcome": "unaccounted", "reason": None, "records": 3}],
    )
    text = page.render(lost, HEADING, "en")
    assert "The books do not balance: 3 records have no outcome." in text
    assert "Not ready" in text


def test_empty_database_gives_a_page_that_names_what_is_missing(
    database: settings.DatabaseSettings,
) -> None:
    found = gather(database)
    assert "quality.acceptance" in found.missing["acceptance"]
    text = page.render(found, HEADING, "en")
    assert "Parts that are missing" in text
    assert "Nothing is extracted yet" in text
    assert "No acceptance figures yet" in text


def test_changes_stand_beside_the_run_before(finished: facts.Facts) -> None:
    before = {**finished.figures(), "quarantine": 140.0}
    text = page.render(finished, HEADING, "en", before)
    row = text.split('<section id="changes">')[1].split("Quarantine")[1].split("</tr>")[0]
    assert re.findall(r">([-+0-9]+)<", row) == ["140", "134", "-6"]


def test_history_compares_with_the_newest_other_run(tmp_path: Path) -> None:
    assert history.before(tmp_path, "r1") is None
    history.keep(tmp_path, "r1", {"quarantine": 1.0}, "<p>", "en")
    assert history.before(tmp_path, "r1") is None
    assert history.before(tmp_path, "r2") == {"quarantine": 1.0}


def test_histories_of_two_databases_never_mix(tmp_path: Path) -> None:
    one = settings.DatabaseSettings("127.0.0.1", 5432, "anna", "", "one")
    two = settings.DatabaseSettings("127.0.0.1", 5432, "anna", "", "two")
    assert history.folder(tmp_path, one) != history.folder(tmp_path, two)


def test_many_batches_are_bundled() -> None:
    assert charts.bundled([]) == []
    assert charts.bundled([1.0, 3.0]) == [1.0, 3.0]
    bundled = charts.bundled([float(value % 2) for value in range(1000)])
    assert len(bundled) <= 60
    assert set(bundled[:-1]) <= {0.5, 8 / 17, 9 / 17}


def test_numbers_are_grouped_as_the_language_does() -> None:
    assert messages.number("en", 1234567.891, 2) == "1,234,567.89"
    assert messages.number("ru", 1234567.891, 2) == "1\u00a0234\u00a0567,89"
    assert messages.number("en", None) == "–"


def test_summary_of_a_first_run(finished: facts.Facts, tmp_path: Path) -> None:
    here = settings.DatabaseSettings(
        "127.0.0.1", 5432, "postgres", "local", "riderra", is_embedded=True
    )
    report = tmp_path / "report.html"
    report.touch()
    text = "\n".join(summary.lines(finished, here, report, tmp_path / "static_index.html"))
    assert "2,000 source records = 1,480 published + 470 merged + 12 archived + 38 excluded" in text
    assert "the books balance, record by record" in text
    assert "quarantine 134, review queue 12" in text
    assert "81,000 inserted, 9,000 updated, 270 retired in 90 batches" in text
    assert "postgresql://postgres:local@127.0.0.1:5432/riderra" in text
    assert str(report) in text
    assert "static_index" not in text


def test_summary_says_when_nothing_was_rewritten(finished: facts.Facts, tmp_path: Path) -> None:
    again = facts.Facts(run=finished.run)
    there = settings.DatabaseSettings("db.example", 5432, "anna", "secret", "riderra")
    text = "\n".join(summary.lines(again, there, tmp_path / "a", tmp_path / "b"))
    assert "nothing differed, no live row was rewritten" in text
    # only the embedded server's password is worth nothing elsewhere
    assert "secret" not in text


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_command_writes_the_page_and_keeps_it_per_run(
    built: settings.DatabaseSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    language: str,
) -> None:
    monkeypatch.setenv("DATABASE_URL", built.url())
    assert command.main(["--lang", language, "--out", str(tmp_path)]) == 0
    written = Path(capsys.readouterr().out.strip())
    assert written.parent == tmp_path
    assert len(list(tmp_path.glob("runs/*/r2.*.html"))) == 1
    assert built.password not in written.read_text(encoding="utf-8")


def test_command_names_a_wrong_setting_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://nowhere")
    assert command.main(["summary"]) == 2
    assert capsys.readouterr().err.startswith("error: DATABASE_URL is not a PostgreSQL URL")
