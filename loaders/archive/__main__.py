"""`python -m loaders.archive`: writes the archive; `python -m loaders.archive verify FOLDER`."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import psycopg

from loaders import settings
from loaders.archive.write import verify, write
from loaders.errors import DatabaseError, UserError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m loaders.archive", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["write", "verify"], default="write")
    parser.add_argument("folder", nargs="?", type=Path, help="archive to verify")
    parser.add_argument("--dir", type=Path, help="folder to write (default: .local/archive/…)")
    given = parser.parse_args(arguments)
    try:
        if given.command == "verify":
            if given.folder is None:
                parser.error("verify needs the folder of an archive")
            rows = verify(given.folder)
            sys.stdout.write(f"{given.folder}: as the manifest says, {rows} rows\n")
            return 0
        settings.load_dotenv()
        operator = os.environ.get("RIDERRA_OPERATOR", "").strip() or getpass.getuser()
        found = write(given.dir, operator, lambda line: print_line(sys.stderr, line))
        print_line(
            sys.stdout,
            f"{found.folder}: {found.tables} files, {found.rows} rows, "
            f"manifest SHA-256 {found.manifest_sha256}",
        )
    except UserError as error:
        print_line(sys.stderr, f"error: {error}")
        return error.exit_code
    except psycopg.Error as error:
        # its own message may hold row values
        told = DatabaseError(f"PostgreSQL refused (SQLSTATE {error.sqlstate or 'none'}).")
        print_line(sys.stderr, f"error: {told}")
        return told.exit_code
    return 0


def print_line(stream: TextIO, line: str) -> None:
    """Writes a line and flushes it, so that progress is seen."""
    stream.write(line + "\n")
    stream.flush()


if __name__ == "__main__":
    sys.exit(main())
