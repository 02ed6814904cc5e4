"""What the migration is measured against, on the same data in the same session."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator

import phonenumbers
import psutil
import psycopg

from benchmarks import measure

RAW_TABLES = ("contacts", "contact_comments", "tasks", "id_sweep")


Figures = dict[str, float]


class _Clock:
    """Adds up wall and processor seconds, ours and the server's, of what runs inside it."""

    def __init__(self, server: psutil.Process) -> None:
        self._server = server
        self.seconds = self.cpu = 0.0

    def _cpu(self) -> float:
        return time.process_time() + measure.server_cpu(self._server)

    def __enter__(self) -> _Clock:
        self._started = time.perf_counter(), self._cpu()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._started[0]
        self.cpu += self._cpu() - self._started[1]


def copy_raw(link: psycopg.Connection, server: psutil.Process) -> Figures:
    """Copies the same raw bytes into tables of the same columns with plain `COPY`.

    Returns:
        Seconds of the copy in (the copy out is not counted) and the bytes copied.
    """
    clock, size = _Clock(server), 0
    link.execute("drop schema if exists bench cascade")
    link.execute("create schema bench")
    for table in RAW_TABLES:
        link.execute(f"create table bench.{table} (like planfix_raw.{table})")
        with tempfile.TemporaryFile() as file:
            with (
                link.cursor() as source,
                source.copy(f"copy planfix_raw.{table} to stdout") as chunks,
            ):
                for chunk in chunks:
                    size += file.write(bytes(chunk))
            file.seek(0)
            with clock:
                with link.cursor() as target, target.copy(f"copy bench.{table} from stdin") as copy:
                    while data := file.read(1 << 20):
                        copy.write(data)
                link.commit()
    link.execute("drop schema bench cascade")
    link.commit()
    return {"seconds": clock.seconds, "cpu": clock.cpu, "bytes": size}


def phonenumbers_pass(link: psycopg.Connection, server: psutil.Process) -> Figures:
    """Parses each distinct raw phone once in a plain Python loop on one core.

    Returns:
        Seconds and the number of phones.
    """
    raw = [
        row[0]
        for row in link.execute(
            "select distinct phone ->> 'number' from planfix_raw.contacts as contact "
            "cross join lateral jsonb_array_elements(contact.payload -> 'phones') as phone "
            "where jsonb_typeof(contact.payload -> 'phones') = 'array'"
        )
        if row[0]
    ]
    link.commit()
    clock = _Clock(server)
    with clock:
        for number in raw:
            try:
                parsed = phonenumbers.parse(number, "RU")
                if phonenumbers.is_valid_number(parsed):
                    phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
            except phonenumbers.NumberParseException:
                continue
    return {"seconds": clock.seconds, "cpu": clock.cpu, "phones": len(raw)}


def _records(link: psycopg.Connection, limit: int) -> Iterator[dict[str, object]]:
    for (payload,) in link.execute(
        "select payload from planfix_raw.contacts order by id limit %s", [limit]
    ):
        yield payload if isinstance(payload, dict) else json.loads(payload)


def row_by_row_importer(
    link: psycopg.Connection, server: psutil.Process, limit: int = 2000
) -> Figures:
    """Upserts records one by one with their phones and e-mails, as hand-written importers do.

    One transaction and a handful of statements per record, no E.164, no deduplication.

    Returns:
        Seconds and the number of records.
    """
    records = list(_records(link, limit))
    link.execute("drop schema if exists bench cascade")
    link.execute("create schema bench")
    link.execute(
        "create table bench.customers (external_id text primary key, display_name text, "
        "website text, position text, comment text, updated_at timestamptz)"
    )
    link.execute(
        "create table bench.contacts (external_id text, channel text, value text, "
        "unique (external_id, channel, value))"
    )
    link.commit()
    clock = _Clock(server)
    with clock:
        for record in records:
            key = str(record["id"])
            found = link.execute(
                "select 1 from bench.customers where external_id = %s", [key]
            ).fetchone()
            values = [
                " ".join(str(record.get(name) or "") for name in ("name", "midname", "lastname")),
                record.get("site"),
                record.get("position"),
                record.get("description"),
                key,
            ]
            if found:
                link.execute(
                    "update bench.customers set display_name = %s, website = %s, position = %s, "
                    "comment = %s, updated_at = now() where external_id = %s",
                    values,
                )
            else:
                link.execute(
                    "insert into bench.customers (display_name, website, position, comment, "
                    "external_id, updated_at) values (%s, %s, %s, %s, %s, now())",
                    values,
                )
            phones = [phone.get("number") for phone in record.get("phones") or []]  # type: ignore[attr-defined]
            for channel, value in [("phone", phone) for phone in phones] + [
                ("email", record.get("email"))
            ]:
                if value:
                    link.execute(
                        "insert into bench.contacts values (%s, %s, %s) on conflict do nothing",
                        [key, channel, value],
                    )
            link.commit()
    link.execute("drop schema bench cascade")
    link.commit()
    return {"seconds": clock.seconds, "cpu": clock.cpu, "records": len(records)}
