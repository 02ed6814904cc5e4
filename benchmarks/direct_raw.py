"""Fills the raw tables of a large synthetic account by `COPY`, without HTTP and without dlt.

A million records through the simulator and the extractor take long, and the part of that time
that is ours is measured at the smaller sizes. Here the same generator, the same renderer and the
extractor's own row builders make the same rows; only the transport is left out. The small tables
(users, groups, fields, the books of the extract) must be there from an extract of a small account
with the same seed.

Run it as `python -m benchmarks.direct_raw --size 1000000 --seed 5`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg
from psycopg import sql

from loaders import settings
from loaders.planfix import api, tables
from simulator.api import Api, Clock
from simulator.generator import generate
from simulator.switches import Switches

Row = tuple[Any, ...]
# what the accounts of the benchmarks have: two notes per record
NOTES_PER_CARD = 2.0
_LARGE = ("contacts", "tasks", "data_tag_entries", "contact_comments")


def _objects(simulated: Api, table: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Yields rendered objects of one raw table, as the API shows them, with the pass's name."""
    render = simulated.render
    own = tuple(str(number) for number in simulated.account.custom_fields)
    if table == "contacts":
        names = (*api.CONTACT_FIELDS, *own)
        for contact in simulated.contacts():
            unit = "companies" if contact.is_company else "people"
            yield render.contact(contact, names, is_list=True), unit
    elif table == "tasks":
        names = (*api.TASK_FIELDS, *own)
        for task in simulated.find_tasks({}):
            yield render.task(task, names), ""
    elif table == "data_tag_entries":
        names = (*api.DATA_TAG_ENTRY_FIELDS, *own)
        for entry in simulated.account.tag_entries:
            yield render.tag_entry(entry, names), f"dataTag:{entry.data_tag_id}"
    else:
        for comment in simulated.account.comments:
            if comment.is_technical or comment.is_deleted:
                continue
            yield render.comment(comment, api.COMMENT_FIELDS), ""


def _rows(simulated: Api, table: str, run_id: str, fetched_at: datetime) -> Iterator[Row]:
    about = tables.TABLES[table]
    for rendered, unit in _objects(simulated, table):
        # what stands ready-made in the rendering becomes readable, as for one who gets the reply
        shown = orjson.loads(orjson.dumps(rendered))
        values = about.values(shown, unit)
        if values is None:
            continue
        values["run_id"], values["fetched_at"] = run_id, fetched_at
        if "custom_fields" in about.columns:
            values["custom_fields"] = tables.dumps(tables.custom_fields_by_id(shown))
            shown.pop("customFieldData", None)
        values["payload"] = tables.dumps(shown)
        yield tuple(values.get(name) for name in about.columns)


def _copy(
    link: psycopg.Connection[Any], table: str, names: list[str], rows: Iterator[Row], load_id: str
) -> int:
    columns = [*names, "_dlt_load_id", "_dlt_id"]
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier("planfix_raw", table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    count = 0
    with link.cursor() as cursor, cursor.copy(statement) as copy:
        for count, row in enumerate(rows, 1):
            copy.write_row((*row, load_id, f"{table}-{count}"))
    return count


def fill(link: psycopg.Connection[Any], size: int, seed: int) -> dict[str, int]:
    """Replaces the rows of the large raw tables; returns rows per table.

    Raises:
        RuntimeError: no extract of a small account has filled the small tables.
    """
    found = link.execute(
        "select run_id, _dlt_load_id, sweep_id from planfix_raw.contacts "
        "cross join (select sweep_id from planfix_raw.id_sweep_runs limit 1) as sweep limit 1"
    ).fetchone()
    if not found:
        raise RuntimeError("extract a small account with the same seed first")
    run_id, load_id, sweep_id = found
    fetched_at = datetime.now(UTC)
    account = generate(size, seed, notes_per_card=NOTES_PER_CARD)
    simulated = Api(account, Switches(), Clock())
    counts = {}
    for table in _LARGE:
        link.execute(sql.SQL("truncate {}").format(sql.Identifier("planfix_raw", table)))
        rows = _rows(simulated, table, run_id, fetched_at)
        names = list(tables.TABLES[table].columns)
        counts[table] = _copy(link, table, names, rows, load_id)
    link.execute("truncate planfix_raw.id_sweep")
    sweep = (
        (sweep_id, contact.id, contact.is_company, datetime.fromtimestamp(contact.updated, UTC))
        for contact in simulated.contacts()
    )
    counts["id_sweep"] = _copy(link, "id_sweep", list(tables.SWEEP.columns), sweep, load_id)
    link.commit()
    return counts


def edit(link: psycopg.Connection[Any], share: float) -> int:
    """Changes a share of the cards as a delta extract would bring them; returns how many.

    Each gets another description and one more mobile, and counts as fetched now.
    """
    changed = link.execute(
        """
        update planfix_raw.contacts
        set
            fetched_at = now(),
            payload = payload || jsonb_build_object(
                'description', 'Изменено ' || id,
                'phones', (payload -> 'phones') || jsonb_build_array(jsonb_build_object(
                    'type', 1, 'number', '+7 999 ' || lpad(mod(id, 10000000)::text, 7, '0')
                ))
            )
        where mod(id, %s) = 0 and jsonb_typeof(payload -> 'phones') = 'array'
        """,
        [round(1 / share)],
    )
    link.commit()
    return changed.rowcount


def main() -> int:
    """Fills the database in use."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.direct_raw", description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    started = time.perf_counter()
    with psycopg.connect(settings.database().url()) as link:
        counts = fill(link, options.size, options.seed)
    sys.stdout.write(f"{counts} in {time.perf_counter() - started:.1f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
