"""One process of the pool that computes results: `python -m loaders.python_functions.worker`.

It reads arguments and stores answers over a connection of its own, so that no row passes through
the process that started it; that one sends a stretch of a table per line (JSON, on standard input)
and gets a line back for each. A plain module rather than multiprocessing, whose children import
whatever the parent was started with: all of dlt, for a second of processor time each.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import orjson
import psycopg
from psycopg import sql

from loaders import settings
from loaders.errors import UserError
from loaders.python_functions.registry import load, python_functions

SCHEMA = "python_functions"

Row: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True)
class Stretch:
    """Some blocks of a table of arguments, the unit of work and of a transaction.

    Attributes:
        function: the function to run over its rows.
        relation: the table, in schema python_functions.
        first_block: where the stretch begins.
        last_block: the first block behind it.
    """

    function: str
    relation: str
    first_block: int
    last_block: int

    def to_json(self) -> str:
        """Returns the stretch as one line of text."""
        return json.dumps(asdict(self))


def compute(name: str, rows: Sequence[Row]) -> list[tuple[Any, Any]]:
    """Runs one function over rows of (hash, argument, …); returns rows of (hash, answer).

    Raises:
        UserError: the function failed; names the hash, never the arguments.
    """
    function = load(name)
    as_json = python_functions()[name].returns in ("json", "jsonb")
    answers = []
    for key, *arguments in rows:
        try:
            answer = function(*arguments)
        except Exception as error:
            raise UserError(
                f"functions/{name}.py failed with {type(error).__name__} on the arguments with "
                f"hash {key}; please report it with that argument list."
            ) from None
        if as_json and answer is not None:
            answer = orjson.dumps(answer).decode()
        answers.append((key, answer))
    return answers


def work_off(link: psycopg.Connection[Any], stretch: Stretch) -> int:
    """Computes and stores the results of one stretch in one transaction; returns how many."""
    function = python_functions()[stretch.function]
    with link.transaction(), link.cursor() as cursor:
        # blocks, not offsets: each is read once, without an index
        rows = cursor.execute(
            sql.SQL(
                "select args_hash::text, {arguments} from {relation} "
                "where ctid >= '({first},0)'::tid and ctid < '({last},0)'::tid"
            ).format(
                arguments=sql.SQL(", ").join(map(sql.Identifier, function.arguments)),
                relation=sql.Identifier(SCHEMA, stretch.relation),
                first=sql.SQL(str(stretch.first_block)),
                last=sql.SQL(str(stretch.last_block)),
            )
        ).fetchall()
        store(link, stretch.function, compute(stretch.function, rows))
        return len(rows)


def store(link: psycopg.Connection[Any], name: str, answers: Sequence[tuple[Any, Any]]) -> None:
    """Adds answers to the results of a function."""
    statement = sql.SQL("copy {} (args_hash, result) from stdin").format(
        sql.Identifier(SCHEMA, f"{name}_results")
    )
    with link.cursor() as cursor, cursor.copy(statement) as copy:
        for answer in answers:
            copy.write_row(answer)


def main() -> int:
    """Answers every line with {"stored": …} or {"error": …}, until the input ends."""
    with psycopg.connect(settings.database().url(), autocommit=True) as link:
        for line in sys.stdin:
            try:
                told: dict[str, Any] = {"stored": work_off(link, Stretch(**json.loads(line)))}
            except UserError as error:
                told = {"error": str(error)}
            except psycopg.Error as error:
                # its text may quote a row
                told = {"error": f"PostgreSQL refused a result, SQLSTATE {error.sqlstate}."}
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
