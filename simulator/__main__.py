"""Command line: `python -m simulator serve|export|crm`."""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from loaders.errors import SettingsError, UserError
from simulator.api import SCOPES
from simulator.disturbances import FAULTS, check_fault
from simulator.generator import generate
from simulator.model import Account
from simulator.switches import SwitchError, Switches, describe

SAMPLE_SIZE = 2000
SAMPLE_SEED = 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    faults = "\n".join(f"  {name}: {text}" for name, text in FAULTS.items())
    serve = verbs.add_parser(
        "serve",
        help="answer like the Planfix REST API on loopback",
        description="Answers like the REST API of a Planfix account, on loopback only.",
        epilog=f"switches:\n{describe()}\n\nfaults:\n{faults}\n\nscopes: {', '.join(SCOPES)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _size_arguments(serve)
    serve.add_argument("--port", type=int, default=0, help="TCP port; 0 takes a free one")
    serve.add_argument("--port-file", type=Path, help="write the port number into this file")
    serve.add_argument("--token", default="simulator-token", help="the token to accept")
    serve.add_argument(
        "--switch", action="append", default=[], metavar="NAME=VALUE", help="set a switch"
    )
    serve.add_argument("--data-dir", type=Path, help="write truth.csv into this folder")
    export = verbs.add_parser("export", help="write the account as the CSV files of the UI")
    _size_arguments(export)
    export.add_argument("--dir", type=Path, required=True, help="folder for the export files")
    export.add_argument("--truth", type=Path, help="also write the ground truth to this file")
    export.add_argument(
        "--format", choices=("csv", "csv-comma", "xlsx"), default="csv", help="file format"
    )
    export.add_argument("--encoding", choices=("utf-8", "cp1251"), default="utf-8")
    export.add_argument(
        "--spaced-numbers", action="store_true", help="write 1 234.00 with a non-breaking blank"
    )
    crm = verbs.add_parser("crm", help="write crm.users and crm.orders into the database in use")
    _size_arguments(crm)
    crm.add_argument(
        "--database-url", help="another database than the embedded one; tables are replaced"
    )
    return parser


def _size_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--size", type=int, help=f"number of records, 50 to 1,000,000 [{SAMPLE_SIZE}]"
    )
    parser.add_argument(
        "--seed", type=int, help=f"the same seed gives the same account [{SAMPLE_SEED}]"
    )
    parser.add_argument(
        "--sample", action="store_true", help="mark everything as the bundled sample account"
    )
    parser.add_argument(
        "--dense", action="store_true", help="at least eight custom fields on every record"
    )
    parser.add_argument(
        "--notes-per-card",
        type=float,
        default=0.0,
        help="notes on cards for each record on average, if more than it has by itself",
    )


def _size(arguments: argparse.Namespace) -> tuple[int, int]:
    size = SAMPLE_SIZE if arguments.size is None else arguments.size
    if not 50 <= size <= 1_000_000:
        raise SettingsError("--size takes 50 to 1000000.")
    return size, SAMPLE_SEED if arguments.seed is None else arguments.seed


def _account(arguments: argparse.Namespace) -> Account:
    size, seed = _size(arguments)
    return generate(size, seed, dense=arguments.dense, notes_per_card=arguments.notes_per_card)


def _serve(arguments: argparse.Namespace) -> None:
    from simulator.control import write_truth
    from simulator.server import Simulator

    switches = Switches()
    for pair in arguments.switch:
        name, _, value = pair.partition("=")
        switches.set(name, value)
        if name == "faults":
            for part in value.split(","):
                if part:
                    check_fault(part.partition(":")[0].strip())
    account = _account(arguments)
    gc.collect()
    gc.freeze()
    if arguments.data_dir:
        arguments.data_dir.mkdir(parents=True, exist_ok=True)
        with (arguments.data_dir / "truth.csv").open("w", encoding="utf-8") as out:
            write_truth(account, out)
    server = Simulator(
        account,
        port=arguments.port,
        token=arguments.token,
        is_sample=arguments.sample,
        switches=switches,
    )
    if arguments.port_file:
        arguments.port_file.write_text(f"{server.port}\n", encoding="utf-8")
    sys.stdout.write(f"listening on {server.base_url}\n")
    sys.stdout.flush()

    def end(*_: object) -> None:
        threading.Thread(target=server.stop, daemon=True).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    server.serve_forever(0.2)


def _export(arguments: argparse.Namespace) -> None:
    from simulator.export import write_exports

    account = _account(arguments)
    counts = write_exports(
        account,
        arguments.dir,
        file_format=arguments.format,
        encoding=arguments.encoding,
        is_sample=arguments.sample,
        truth=arguments.truth,
        spaced_numbers=arguments.spaced_numbers,
    )
    for name, rows in counts.items():
        sys.stdout.write(f"{rows:>9}  {name}\n")


def _crm(arguments: argparse.Namespace) -> None:
    from simulator.crm import write_crm

    account = _account(arguments)
    users, orders = write_crm(account, arguments.database_url)
    sys.stdout.write(f"crm.users: {users} rows, crm.orders: {orders} rows\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    found = _parser().parse_args(arguments)
    try:
        {"serve": _serve, "export": _export, "crm": _crm}[found.verb](found)
    except SwitchError as error:
        sys.stderr.write(f"error: {error}\n")
        return SettingsError.exit_code
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
