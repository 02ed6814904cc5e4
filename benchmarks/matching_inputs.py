"""Puts a labelled base where the matching models look for their inputs.

The tables have the columns of the models they stand in for, as far as matching reads them. The
Python functions of the graph are answered from their precomputed results, so that a server without
Python can run the models.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence

import psycopg
from psycopg import sql

from benchmarks.matching_base import Base, name_tokens, token_rows
from functions.name_skeleton import name_skeleton
from functions.uuid_v5 import uuid_v5
from loaders.settings import PROJECT_ROOT

TABLES = {
    "int_contacts__normalized": "planfix_id bigint, entity_type text, kind text, "
    "display_name text, given_name text, middle_name text, family_name text, "
    "full_name_text text, company_name text, website text, city text, birth_date date, "
    "gender text, registration_number text, owner_name text, "
    "source_created_at timestamptz, source_updated_at timestamptz, exclusion_reason text",
    "int_contact_points__normalized": "contact_point_key text, planfix_id bigint, channel text, "
    "value text, extension text, match_key text, source_position int",
    "int_contact_companies__resolved": "planfix_id bigint, company_position int, "
    "company_planfix_id bigint, company_name text, source text",
    "int_trips__combined": "trip_key text, source text, counterparty_planfix_id bigint, "
    "passenger_name text, phone_e164 text, email_match_key text, company_name text, "
    "pickup_at timestamptz, from_place text, to_place text",
    "int_contact_names__tokens": "planfix_id bigint, token_position int, token text, "
    "skeleton text, name_part text",
    "int_trip_names__tokens": "trip_key text, token_position int, token text, skeleton text, "
    "name_part text",
    "int_company_names__tokens": "company_name text, token_position int, token text, "
    "skeleton text, name_part text",
    "int_manager_points__normalized": "planfix_user_id bigint, channel text, match_key text",
    "int_contact_consents__normalized": "planfix_id bigint, channel text, purpose text, "
    "status text",
}
SEED_NAMES = (("given_names", ("name",)), ("nicknames", ("short_form", "name")))
Row = Sequence[object]


class Skeletons:
    """Name skeletons, each token's computed once."""

    def __init__(self) -> None:
        self.known: dict[str, str | None] = {}

    def __call__(self, token: str) -> str | None:
        """Returns the token's skeleton."""
        if token not in self.known:
            self.known[token] = name_skeleton(token)
        return self.known[token]


def prepare(link: psycopg.Connection) -> None:
    """Creates schemas, empty input tables and the results of the Python functions of seeds."""
    link.execute("create extension if not exists fuzzystrmatch")
    for schema in ("intermediate", "bench", "python_functions"):
        link.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
    for table, columns in TABLES.items():
        link.execute(f"create unlogged table intermediate.{table} ({columns})")
    link.execute(
        "create unlogged table bench.truth (planfix_id bigint, entity_id bigint, kind text)"
    )
    for function, kind in (("name_skeleton", "text"), ("uuid_v5", "uuid")):
        link.execute(
            f"create table if not exists python_functions.{function}_results "
            f"(args_hash uuid primary key, result {kind})"
        )
    skeleton = Skeletons()
    for seed, columns in SEED_NAMES:
        path = PROJECT_ROOT / "seeds" / "rules" / f"{seed}.csv"
        with path.open(encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                for column in columns:
                    skeleton(row[column].lower())
    add_results(link, "name_skeleton", skeleton.known.items())


def add_results(
    link: psycopg.Connection, function: str, results: Iterable[tuple[str, object]]
) -> None:
    """Adds precomputed results of a Python function of one text argument."""
    link.execute("drop table if exists pg_temp.new_results")
    link.execute("create temporary table new_results (argument text, result text)")
    with link.cursor().copy("copy new_results from stdin") as copy:
        for argument, result in results:
            copy.write_row((argument, None if result is None else str(result)))
    kind = "uuid" if function == "uuid_v5" else "text"
    link.execute(
        f"insert into python_functions.{function}_results "
        f"select distinct on (1) md5(jsonb_build_array(argument)::text)::uuid, result::{kind} "
        "from new_results on conflict do nothing"
    )


def fill(link: psycopg.Connection, table: str, rows: Iterable[Row]) -> None:
    """Replaces a table's rows."""
    schema, _, name = table.rpartition(".")
    target = sql.Identifier(schema or "intermediate", name)
    link.execute(sql.SQL("truncate {}").format(target))
    with link.cursor().copy(sql.SQL("copy {} from stdin").format(target)) as copy:
        for row in rows:
            copy.write_row(row)
    link.execute(sql.SQL("analyze {}").format(target))


def contact_rows(base: Base) -> Iterator[Row]:
    """Yields the rows of int_contacts__normalized."""
    for row in base.contacts:
        number, entity, kind, given, middle, family, company, website, birth, sex = row[:10]
        registered, created = row[10:12]
        name = company or " ".join(str(part) for part in (given, middle, family) if part)
        yield (
            number, entity, kind, name, given or None, middle or None, family or None, name,
            company, website, None, birth, sex, registered, None, created, created, None,
        )  # fmt: skip


def trip_token_rows(base: Base, skeleton: Callable[[str], str | None]) -> Iterator[Row]:
    """Yields the rows of int_trip_names__tokens."""
    for row in base.trips:
        for position, token in enumerate(name_tokens(str(row[3])), start=1):
            yield row[0], position, token, skeleton(token), "full"


def company_token_rows(base: Base, skeleton: Callable[[str], str | None]) -> Iterator[Row]:
    """Yields the rows of int_company_names__tokens."""
    names = {str(row[2]) for row in base.companies}
    names |= {str(row[6]) for row in (*base.trips, *base.contacts) if row[6]}
    for name in sorted(names):
        for position, token in enumerate(name_tokens(name), start=1):
            yield name, position, token, skeleton(token), "company"


def load(link: psycopg.Connection, base: Base, skeleton: Skeletons | None = None) -> None:
    """Loads a base; tables that stand from another base are emptied first."""
    skeleton = skeleton or Skeletons()
    fill(link, "int_contacts__normalized", contact_rows(base))
    fill(
        link,
        "int_contact_points__normalized",
        ((f"{row[0]}:{row[1]}:{at}", *row) for at, row in enumerate(base.points)),
    )
    fill(
        link,
        "int_contact_companies__resolved",
        ((row[0], 1, *row[1:]) for row in base.companies),
    )
    fill(link, "int_trips__combined", base.trips)
    fill(link, "int_contact_names__tokens", token_rows(base, skeleton))
    fill(link, "int_trip_names__tokens", trip_token_rows(base, skeleton))
    fill(link, "int_company_names__tokens", company_token_rows(base, skeleton))
    fill(link, "bench.truth", base.truth)
    add_results(link, "name_skeleton", skeleton.known.items())
    add_results(
        link,
        "uuid_v5",
        ((f"planfix:{row[0]}", uuid_v5(f"planfix:{row[0]}")) for row in base.contacts),
    )
