"""The project's verbs of dlt's command line: `dlt pipeline [NAME] run` and `… preflight`.

dlt loads this module through the entry-point group `dlt` (see pyproject.toml) each time its
command line starts, so nothing heavy is imported here. A pipeline is an object with the four
members of `RunnablePipeline`, named in `PIPELINES` and imported when the command line is built.

    dlt pipeline run                 every configured pipeline, then the Python functions
    dlt pipeline planfix run         one of them
    dlt pipeline planfix preflight   questions to the account before the first extract

Exit codes are those of `loaders.errors`; a failure is one line on standard error.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
from typing import TYPE_CHECKING, Protocol, cast

from dlt.common.configuration import plugins

from loaders import settings
from loaders.errors import EXIT_INTERNAL, ExtractPaused, SettingsError, UserError

if TYPE_CHECKING:
    from loaders.pipelines import Summary

# run in this order by `dlt pipeline run`
PIPELINES = {
    "planfix": "loaders.planfix.command:PIPELINE",
    "planfix_csv": "loaders.planfix_csv.command:PIPELINE",
    "python_functions": "loaders.python_functions.command:PIPELINE",
}
FUNCTIONS = "python_functions"
EXIT_INTERRUPTED = 130


class RunnablePipeline(Protocol):
    """What a pipeline offers to the command line."""

    name: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds the pipeline's options to the parser of the verb `run`."""

    def is_configured(self) -> bool:
        """Tells whether its settings are there, without opening a connection."""

    def run(self, args: argparse.Namespace) -> Summary:
        """Extracts and loads."""


def configure_environment() -> None:
    """Keeps dlt's files inside the project's own folder, and its telemetry off."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    # below CRITICAL dlt logs the SQL and the rows of a failed load
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")
    os.environ.setdefault("DLT_DATA_DIR", str(settings.local_dir() / "dlt"))
    os.environ.setdefault("DLT_CONFIG_FOLDER", str(settings.local_dir().resolve() / "dlt"))


def registered() -> dict[str, RunnablePipeline]:
    """Returns the pipelines by name, in the order in which they run."""
    found: dict[str, RunnablePipeline] = {}
    for name, target in PIPELINES.items():
        module, _, attribute = target.partition(":")
        try:
            loaded = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name and module.startswith(error.name):
                continue
            raise
        found[name] = cast(RunnablePipeline, getattr(loaded, attribute))
    return found


def _chosen(name: str | None) -> list[RunnablePipeline]:
    pipelines = registered()
    if name is not None:
        if name not in pipelines:
            raise SettingsError(
                f"there is no pipeline {name}: choose one of {', '.join(pipelines)}."
            )
        names = [name] if name == FUNCTIONS else [name, FUNCTIONS]
        return [pipelines[each] for each in names if each in pipelines]
    chosen = [
        pipeline
        for key, pipeline in pipelines.items()
        if key != FUNCTIONS and pipeline.is_configured()
    ]
    if not chosen:
        raise SettingsError(
            "nothing to extract: set PLANFIX_BASE_URL (or PLANFIX_ACCOUNT) and PLANFIX_TOKEN, or "
            "PLANFIX_EXPORT_DIR, in the environment or in .env."
        )
    return [*chosen, *(pipelines[each] for each in [FUNCTIONS] if each in pipelines)]


def _run(args: argparse.Namespace) -> None:
    settings.load_dotenv()
    paused: ExtractPaused | None = None
    is_loaded = args.pipeline_name == FUNCTIONS
    for pipeline in _chosen(args.pipeline_name):
        if pipeline.name == FUNCTIONS and not is_loaded:
            continue
        started = time.monotonic()
        try:
            summary = pipeline.run(args)
        except ExtractPaused as pause:
            # what was loaded before the pause still needs its function results
            paused = paused or pause
            is_loaded = is_loaded or pause.is_loaded
            continue
        is_loaded = True
        sys.stdout.write(summary.text(time.monotonic() - started))
        sys.stdout.flush()
    if paused:
        raise paused


def _guarded(args: argparse.Namespace) -> None:
    """Runs a verb and leaves the process with the code of its error, if any."""
    try:
        if args.operation == "preflight":
            from loaders.planfix.command import PIPELINE

            if args.pipeline_name not in (None, PIPELINE.name):
                raise SettingsError(
                    f"preflight is a verb of the pipeline planfix, not of {args.pipeline_name}."
                )
            settings.load_dotenv()
            PIPELINE.preflight(args)
        else:
            _run(args)
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted; run the same command again to resume.\n")
        raise SystemExit(EXIT_INTERRUPTED) from None
    except Exception as error:
        if os.environ.get("RIDERRA_TRACEBACK"):
            raise
        # the text of an unforeseen exception may quote a row: name its place only
        frames = error.__traceback__
        while frames and frames.tb_next:
            frames = frames.tb_next
        place = (
            f"{frames.tb_frame.f_globals.get('__name__', '?')}:{frames.tb_lineno}"
            if frames
            else "?"
        )
        sys.stderr.write(
            f"error: internal error {type(error).__name__} at {place}; run again with "
            "RIDERRA_TRACEBACK=1 for a traceback (it may quote personal data).\n"
        )
        raise SystemExit(EXIT_INTERNAL) from None


class RunCommand(plugins.SupportsCliCommand):
    """`dlt pipeline [NAME] run`."""

    parent = "pipeline"
    command = "run"
    help_string = "Extracts from Planfix and loads into the migration's database"
    description = "Runs one pipeline, or every configured one when no name is given."
    docs_url = None

    def configure_parser(self, parser: argparse.ArgumentParser) -> None:
        """Adds the options of every pipeline."""
        for name, pipeline in registered().items():
            pipeline.add_arguments(
                cast(argparse.ArgumentParser, parser.add_argument_group(f"pipeline {name}"))
            )

    def execute(self, args: argparse.Namespace) -> None:
        """Runs it."""
        _guarded(args)


class PreflightCommand(plugins.SupportsCliCommand):
    """`dlt pipeline planfix preflight`."""

    parent = "pipeline"
    command = "preflight"
    help_string = "Asks a Planfix account what its API can do and what an extract will cost"
    description = (
        "A few dozen read-only requests. Prints the findings, the risks and the cost, and stores "
        "them as the capability profile that the extract obeys."
    )
    docs_url = None

    def configure_parser(self, parser: argparse.ArgumentParser) -> None:
        """Adds no options: the settings come from the environment."""

    def execute(self, args: argparse.Namespace) -> None:
        """Runs it."""
        _guarded(args)


configure_environment()


@plugins.hookimpl(specname="plug_cli")
def plug_run(host: str) -> type[plugins.SupportsCliCommand] | None:
    """Registers the verb `run`."""
    return RunCommand if host == "dlt" else None


@plugins.hookimpl(specname="plug_cli")
def plug_preflight(host: str) -> type[plugins.SupportsCliCommand] | None:
    """Registers the verb `preflight`."""
    return PreflightCommand if host == "dlt" else None
