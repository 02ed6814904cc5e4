"""`dlt pipeline planfix_csv run`."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loaders.pipelines import Summary


class CsvPipeline:
    """The pipeline as the command line sees it."""

    name = "planfix_csv"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds --dir."""
        parser.add_argument(
            "--dir",
            metavar="FOLDER",
            default=None,
            help="folder with exports of the Planfix UI (default: PLANFIX_EXPORT_DIR)",
        )

    def is_configured(self) -> bool:
        """Tells whether PLANFIX_EXPORT_DIR is set."""
        return bool(os.environ.get("PLANFIX_EXPORT_DIR", "").strip())

    def run(self, args: argparse.Namespace) -> Summary:
        """Loads the exports."""
        from loaders.planfix_csv import extract

        return extract.run(args.dir)


PIPELINE = CsvPipeline()
