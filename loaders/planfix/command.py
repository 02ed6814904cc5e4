"""The verbs of the pipeline planfix on dlt's command line.

    dlt pipeline planfix run [--since 14d | --full] [--max-requests N] [--accept-drop]
    dlt pipeline planfix preflight

Settings: PLANFIX_BASE_URL or PLANFIX_ACCOUNT, PLANFIX_TOKEN and the others of
`loaders.planfix.settings`; the database is `loaders.settings.database()`. Imported for every
start of dlt, so the heavy modules are imported when a verb runs.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from loaders import settings
from loaders.errors import SettingsError
from loaders.planfix import settings as planfix_settings

if TYPE_CHECKING:
    from loaders.pipelines import Summary


class PlanfixPipeline:
    """The pipeline planfix."""

    name = "planfix"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds the options of `run`."""
        parser.add_argument(
            "--since",
            help="load what changed since then: 14d, 12h, 2026-01-31, or an ISO instant "
            "(default: since the last run; everything the first time)",
        )
        parser.add_argument("--full", action="store_true", help="load everything again")
        parser.add_argument(
            "--max-requests",
            type=int,
            help="stop after this many requests; the same command goes on from there",
        )
        parser.add_argument(
            "--accept-drop",
            action="store_true",
            help="believe a sweep that misses an unusual share of the known contacts",
        )

    def is_configured(self) -> bool:
        """Tells whether an account is named."""
        return planfix_settings.is_configured()

    def run(self, args: argparse.Namespace) -> Summary:
        """Extracts and loads."""
        from loaders import database, pipelines
        from loaders.planfix.session import Session

        if args.full and args.since:
            raise SettingsError("--full and --since contradict each other: give one of them.")
        if args.max_requests is not None and args.max_requests < 1:
            raise SettingsError("--max-requests must be at least 1.")
        found = planfix_settings.read()
        database.check(settings.database())
        with pipelines.exclusive(self.name), Session(found, args.max_requests) as session:
            return session.run(since=args.since, full=args.full, accept_drop=args.accept_drop)

    def preflight(self, args: argparse.Namespace) -> None:
        """Asks the account and prints the answers."""
        from loaders import database, pipelines
        from loaders.planfix.session import Session

        found = planfix_settings.read()
        database.check(settings.database())
        with pipelines.exclusive(self.name), Session(found, None) as session:
            sys.stdout.write(session.preflight())


PIPELINE = PlanfixPipeline()
