"""What `make demo` and `make migrate` print at their end: plain text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loaders.settings import DatabaseSettings
from report.facts import OUTCOMES, Facts
from report.messages import TEXTS, number, text


def _count(value: float) -> str:
    return number("en", value)


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return f"{100 * value:.2f} %" if unit == "share" else number("en", value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lays out a table: the first column to the left, the others to the right."""
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    lines = []
    for row in [head, *rows]:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines


def _acceptance(facts: Facts) -> list[str]:
    if not facts.acceptance:
        return ["Acceptance: no figures yet; run `dbt build`."]
    rows = [
        (
            text("en", f"gate_{row['gate']}")
            if f"gate_{row['gate']}" in TEXTS
            else str(row["description"]),
            _figure(row["value"], row["unit"]),
            f"{row['comparison']} {_figure(row['limit_value'], row['unit'])}",
            "pass" if row["is_met"] else "waived" if row["waived_by"] else "FAIL",
        )
        for row in facts.acceptance
    ]
    return ["Acceptance", *_table(("criterion", "value", "limit", "result"), rows)]


def _balance(facts: Facts) -> list[str]:
    if not facts.balance:
        return ["Reconciliation: not built yet."]
    totals = {
        outcome: sum(row["records"] for row in facts.balance if row["outcome"] == outcome)
        for outcome in OUTCOMES
    }
    source = sum(row["records"] for row in facts.balance)
    sentence = " + ".join(f"{_count(totals[outcome])} {outcome}" for outcome in OUTCOMES)
    verdict = (
        "the books balance, record by record"
        if not facts.unbalanced
        else f"NOT BALANCED: {_count(facts.unbalanced)} records have no outcome"
    )
    return [
        "Reconciliation",
        f"  {_count(source)} source records = {sentence}",
        f"  {verdict}",
    ]


def _waiting(facts: Facts) -> list[str]:
    sizes = {row["queue"]: row["open"] for row in facts.queues}
    named = (("quarantine", "quarantine"), ("review_queue", "review queue"))
    parts = [
        f"{title} {_count(sizes[queue])}" if queue in sizes else f"{title} not built yet"
        for queue, title in named
    ]
    lists = sum(size for queue, size in sizes.items() if queue.startswith("worklist_"))
    return [f"Waiting for people: {', '.join(parts)}, worklists {_count(lists)}"]


def _written(facts: Facts) -> list[str]:
    if facts.run is None:
        return ["Live tables: nothing published yet."]
    if facts.run["status"] != "done":
        return [f"Live tables: the last run ended as {facts.run['status']}."]
    if facts.rows_written == 0:
        return ["Live tables: nothing differed, no live row was rewritten."]
    totals = {
        action: sum(row[f"rows_{action}"] for row in facts.batches)
        for action in ("inserted", "updated", "retired")
    }
    sentence = ", ".join(f"{_count(count)} {action}" for action, count in totals.items())
    return [f"Live tables: {sentence} in {_count(len(facts.batches))} batches"]


def lines(
    facts: Facts, database: DatabaseSettings, report_file: Path, docs_file: Path
) -> list[str]:
    """Returns the summary line by line.

    Args:
        facts: what was read.
        database: the database in use; the URL of the embedded one is shown with its password,
            which is worth nothing outside this machine.
        report_file: where the report is.
        docs_file: where the mapping review is.
    """
    found = [*_acceptance(facts), "", *_balance(facts), "", *_waiting(facts), *_written(facts)]
    if facts.missing:
        found.append(f"Not built: {', '.join(sorted(facts.missing))}")
    url = database.url(with_password=database.is_embedded)
    found += ["", f"Database  {url}"]
    found += [
        f"{title}{path}"
        for title, path in (("Report    ", report_file), ("Docs      ", docs_file))
        if path.is_file()
    ]
    return found
