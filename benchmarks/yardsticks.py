"""What the migration is measured against, on the same data in the same session."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import phonenumbers
import psycopg

RAW_TABLES = ("contacts", "contact_comments", "tasks", "id_sweep")


def copy_raw(link: psycopg.Connection) -> tuple[float, int]:
    """Copies the same raw bytes into unlogged tables with plain `COPY`.

    Returns:
        Seconds of the copy in (the copy out is not counted) and the bytes copied.
    """
    seconds, size = 0.0, 0
    link.execute("drop schema if exists bench cascade")
    link.execute("create schema bench")
    for table in RAW_TABLES:
        link.execute(f"create table bench.{table} (like planfix_raw.{table})")
        with (
            link.cursor() as source,
            source.copy(f"copy planfix_raw.{table} to stdout") as chunks,
        ):
            data = b"".join(bytes(chunk) for chunk in chunks)
        size += len(data)
        started = time.perf_counter()
        with link.cursor() as target, target.copy(f"copy bench.{table} from stdin") as copy:
            for offset in range(0, len(data), 1 << 20):
                copy.write(data[offset : offset + (1 << 20)])
        link.commit()
        seconds += time.perf_counter() - started
    link.execute("drop schema bench cascade")
    link.commit()
    return seconds, size


def phonenumbers_pass(link: psycopg.Connection) -> tuple[float, int]:
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
    started = time.perf_counter()
    for number in raw:
        try:
            parsed = phonenumbers.parse(number, "RU")
            if phonenumbers.is_valid_number(parsed):
                phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        except phonenumbers.NumberParseException:
            continue
    return time.perf_counter() - started, len(raw)


def _records(link: psycopg.Connection, limit: int) -> Iterator[dict[str, object]]:
    for (payload,) in link.execute(
        "select payload from planfix_raw.contacts order by id limit %s", [limit]
    ):
        yield payload if isinstance(payload, dict) else json.loads(payload)


def row_by_row_importer(link: psycopg.Connection, limit: int = 2000) -> tuple[float, int]:
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
    started = time.perf_counter()
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
    seconds = time.perf_counter() - started
    link.execute("drop schema bench cascade")
    link.commit()
    return seconds, len(records)
