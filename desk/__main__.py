"""Starts the desk: `python -m desk [--reviewer NAME …] [--owner NAME] [--port N]`."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Sequence

from waitress.server import create_server

from desk.access import Doors
from desk.app import create_app
from desk.store import Store
from loaders import database, settings
from loaders.errors import UserError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m desk", description=__doc__)
    parser.add_argument(
        "--reviewer", action="append", default=[], help="who decides; a link for each"
    )
    parser.add_argument(
        "--owner", action="append", default=[], help="a reviewer who may also sign off"
    )
    parser.add_argument("--port", type=int, default=0, help="TCP port (default: a free one)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until interrupted; returns the exit code."""
    options = _parser().parse_args(arguments)
    owners = frozenset(options.owner)
    reviewers = list(dict.fromkeys([*options.reviewer, *options.owner])) or [getpass.getuser()]
    try:
        found = settings.database()
        with database.connect(found):
            pass
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    doors = Doors()
    hosts: set[str] = set()
    app = create_app(Store(found), doors, hosts, owners)
    server = create_server(app, host="127.0.0.1", port=options.port, threads=4, ident=None)
    port = server.effective_port
    # filled in now that the port is known; nothing is served before
    hosts.update({f"127.0.0.1:{port}", f"localhost:{port}"})
    for name in reviewers:
        sys.stdout.write(f"{name}: http://127.0.0.1:{port}/enter?token={doors.link(name)}\n")
    sys.stdout.write("Each link works once, on this machine. Ctrl-C ends the desk.\n")
    sys.stdout.flush()
    try:
        server.run()
    except KeyboardInterrupt:
        sys.stdout.write("\n")
    finally:
        server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
