"""What the migration is measured against, on the same data in the same session."""

from __future__ import annotations

import tempfile
import time
from typing import Any

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


# the account's two fields of consent to marketing, as a hand-written importer knows them
CONSENTS = {"3107": "email", "3108": "whatsapp"}
TARGETS = ("customers", "contacts", "tags", "notes", "consents", "external_links")


def _records(link: psycopg.Connection, limit: int) -> list[dict[str, Any]]:
    """Returns cards with their comments, as an importer has them after its extract."""
    cards = link.execute(
        "select payload, custom_fields, is_company from planfix_raw.contacts order by id limit %s",
        [limit],
    ).fetchall()
    notes: dict[int, list[Any]] = {card[0]["id"]: [] for card in cards}
    for card, payload in link.execute(
        "select contact_id, payload from planfix_raw.contact_comments where contact_id = any(%s)",
        [list(notes)],
    ):
        notes[card].append(payload)
    return [
        {
            **payload,
            "custom_fields": fields or {},
            "is_company": is_company,
            "notes": notes[payload["id"]],
        }
        for payload, fields, is_company in cards
    ]


def _create_targets(link: psycopg.Connection) -> None:
    """Makes empty copies of the CRM's six tables with their indexes, checks and foreign keys."""
    link.execute("drop schema if exists bench cascade")
    link.execute("create schema bench")
    for name in TARGETS:
        table = "customers" if name == "customers" else f"customer_{name}"
        link.execute(f"create table bench.{name} (like riderra.{table} including all)")
        if name != "customers":
            link.execute(
                f"alter table bench.{name} add foreign key (customer_id) "
                "references bench.customers (id)"
            )
    link.commit()


def _import_card(link: psycopg.Connection, card: dict[str, Any]) -> None:
    """Looks a card up by its link, inserts or updates its customer, then row after row."""
    kind = "company" if card["is_company"] else "person"
    entity = "company" if card["is_company"] else "contact"
    names = [str(card.get(name) or "").strip() for name in ("name", "midname", "lastname")]
    values = [
        kind,
        " ".join(name for name in names if name) or "?",
        names[0],
        names[2],
        card.get("position"),
        card.get("site"),
        card.get("address"),
    ]
    found = link.execute(
        "select customer_id from bench.external_links "
        "where source_system = 'planfix' and entity_type = %s and external_id = %s",
        [entity, str(card["id"])],
    ).fetchone()
    if found:
        customer = found[0]
        link.execute(
            "update bench.customers set kind = %s, display_name = %s, given_name = %s, "
            "family_name = %s, position = %s, website = %s, address = %s, updated_at = now() "
            "where id = %s",
            [*values, customer],
        )
    else:
        row = link.execute(
            "insert into bench.customers (kind, display_name, given_name, family_name, position, "
            "website, address) values (%s, %s, %s, %s, %s, %s, %s) returning id",
            values,
        ).fetchone()
        assert row
        customer = row[0]
        link.execute(
            "insert into bench.external_links "
            "(customer_id, source_system, entity_type, external_id) "
            "values (%s, 'planfix', %s, %s)",
            [customer, entity, str(card["id"])],
        )
    points = [("phone", phone.get("number")) for phone in card.get("phones") or []]
    for channel, value in [*points, ("email", card.get("email"))]:
        if value:
            link.execute(
                "insert into bench.contacts (customer_id, channel, value) values (%s, %s, %s) "
                "on conflict (customer_id, channel, value, extension) "
                "do update set updated_at = now()",
                [customer, channel, value],
            )
    if (card.get("group") or {}).get("name"):
        link.execute(
            "insert into bench.tags (customer_id, tag, kind) values (%s, %s, 'group') "
            "on conflict do nothing",
            [customer, card["group"]["name"]],
        )
    notes = [(f"comment {note['id']}", note.get("description")) for note in card["notes"]]
    for key, text in [*notes, (f"description {card['id']}", card.get("description"))]:
        if text:
            link.execute(
                "insert into bench.notes (id, customer_id, body) values (md5(%s)::uuid, %s, %s) "
                "on conflict (id) do update set body = excluded.body",
                [key, customer, text],
            )
    for field, channel in CONSENTS.items():
        if field in card["custom_fields"]:
            answer = card["custom_fields"][field].get("stringValue")
            link.execute(
                "insert into bench.consents (customer_id, channel, purpose, status) "
                "values (%s, %s, 'marketing', %s) on conflict (customer_id, channel, purpose) "
                "do update set status = excluded.status",
                [customer, channel, "granted" if answer in ("Да", "1", "true") else "denied"],
            )
    link.commit()


def row_by_row_importer(
    link: psycopg.Connection, server: psutil.Process, limit: int = 2000
) -> Figures:
    """Upserts cards one by one into the CRM's six tables, as most hand-written importers do.

    One transaction per card, one statement per row, with the CRM's own keys, indexes and foreign
    keys. It takes values as they are: no E.164, no deduplication, no trips, no HTML, no baseline,
    no audit, no tests. The server stands on the same machine, so no statement waits for a network.

    Returns:
        Seconds and the number of records.
    """
    cards = _records(link, limit)
    _create_targets(link)
    clock = _Clock(server)
    with clock:
        for card in cards:
            _import_card(link, card)
    link.execute("drop schema bench cascade")
    link.commit()
    return {"seconds": clock.seconds, "cpu": clock.cpu, "records": len(cards)}
