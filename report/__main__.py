"""Command line of the report: `python -m report [page|summary|mapping]`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from loaders import database, settings
from loaders.errors import UserError
from report import facts as gathering
from report import history, mapping, messages, page, reader, summary


def _live_schema() -> str:
    return os.environ.get("RIDERRA_SCHEMA", "riderra")


def _gathered(
    found: settings.DatabaseSettings, *, dry_run: bool, with_keys: bool = False
) -> gathering.Facts:
    with (
        database.connect(found) as link,
        reader.snapshot(link, _live_schema(), "dry_run_" if dry_run else "") as view,
    ):
        return gathering.collect(view, with_keys=with_keys)


def _write_page(options: argparse.Namespace) -> int:
    found = settings.database()
    facts = _gathered(found, dry_run=options.dry_run, with_keys=options.internal)
    out: Path = options.out
    kept = history.folder(out, found)
    run_id = str(facts.run["run_id"]) if facts.run else ""
    heading = page.Heading(
        found.url(with_password=False), datetime.now(UTC), options.dry_run, options.internal
    )
    before = history.before(kept, run_id) if run_id and not options.dry_run else None
    text = page.render(facts, heading, options.lang, before)
    out.mkdir(parents=True, exist_ok=True)
    name = "report" + "-dry-run" * options.dry_run + "-internal" * options.internal
    target = out / (f"{name}.html" if options.lang == "en" else f"{name}.{options.lang}.html")
    target.write_text(text, encoding="utf-8")
    if run_id and not options.dry_run and not options.internal:
        history.keep(kept, run_id, facts.figures(), text, options.lang)
    sys.stdout.write(f"{target}\n")
    return 0


def _print_summary(options: argparse.Namespace) -> int:
    found = settings.database()
    facts = _gathered(found, dry_run=False)
    target = Path(os.environ.get("DBT_TARGET_PATH", str(settings.PROJECT_ROOT / "target")))
    text = summary.lines(facts, found, options.out / "report.html", target / "static_index.html")
    sys.stdout.write("\n".join(text) + "\n")
    return 0


def _write_mapping(options: argparse.Namespace) -> int:
    made = mapping.columns(mapping.manifest())
    if options.check:
        mapping.check(mapping.document(made, None))
        return 0
    target: Path = mapping.DOCUMENT
    rates = None
    if options.fill:
        found = settings.database()
        with database.connect(found) as link, reader.snapshot(link, _live_schema(), "") as view:
            rates = mapping.fill_rates(view, made)
        target = options.out / "mapping.md"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(mapping.document(made, rates), encoding="utf-8")
    sys.stdout.write(f"{target}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m report", description=__doc__)
    parser.add_argument(
        "command",
        nargs="?",
        choices=tuple(_COMMANDS),
        default="page",
        help="page (default): the HTML report; summary: the figures as plain text; mapping: "
        "docs/mapping.md",
    )
    parser.add_argument("--lang", choices=messages.LANGUAGES, default="en", help="language")
    parser.add_argument(
        "--out",
        type=Path,
        default=settings.local_dir() / "report",
        help="folder for the page",
    )
    parser.add_argument("--dry-run", action="store_true", help="show the last dry run instead")
    parser.add_argument(
        "--internal",
        action="store_true",
        help="page: with record numbers and names of the team; not to be passed on",
    )
    parser.add_argument("--check", action="store_true", help="mapping: only compare")
    parser.add_argument("--fill", action="store_true", help="mapping: a copy with fill rates")
    return parser


_COMMANDS = {"page": _write_page, "summary": _print_summary, "mapping": _write_mapping}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _COMMANDS[options.command](options)
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
