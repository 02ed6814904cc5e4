"""Pages on disk: what was paid for with a request is never asked for twice.

One SQLite file per account and database, readable by its owner only. A page, its rows as they will
be copied, their index and the request counter are committed together, so a process killed at any
instant loses the page in flight and nothing else. Bodies and rows are removed once they are loaded,
the file when the run is over.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from loaders.planfix.client import parse_json
from loaders.planfix.tables import Row, lines_of, ready_rows

VERSION = 7
# codes every sign anew, where a faster one (lz4) leaves new texts readable as they are
PACKING = "zstd"
# bytes in front of a packed text that tell its length
_LENGTH = 8
_SCHEMA = """
create table meta (name text primary key, value text) without rowid;
create table page (
    seq integer primary key,
    stage text not null,
    unit text not null,
    cursor text not null,
    fetched_at text not null,
    loaded integer not null default 0,
    body blob not null,
    ready blob not null,
    unique (stage, unit, cursor)
);
create index page_stage on page (stage, seq);
create table item (
    stage text not null,
    id not null,
    seq integer not null,
    kind text,
    created integer,
    updated integer,
    is_deleted integer not null default 0,
    primary key (stage, id)
) without rowid;
create table unit (
    stage text not null,
    unit not null,
    state text not null,
    note text,
    primary key (stage, unit)
) without rowid;
create table known (
    id integer primary key,
    kind text,
    updated integer
);
create table name_seen (
    stage text not null,
    name text not null,
    primary key (stage, name)
) without rowid;
"""


class Item(NamedTuple):
    """What the spool knows of a row without opening its page.

    Attributes:
        id: key inside the stage.
        kind: `person` or `company` for contacts.
        created: creation time, epoch seconds.
        updated: time of the last change, epoch seconds.
        is_deleted: the row itself says that it is deleted.
    """

    id: Any
    kind: str | None = None
    created: int | None = None
    updated: int | None = None
    is_deleted: bool = False


@dataclass(frozen=True)
class StoredPage:
    """A page out of the spool."""

    seq: int
    unit: str
    cursor: str
    fetched_at: datetime
    body: bytes


def spool_path(folder: Path, account: str, database: str) -> Path:
    """Returns the file for one account and database."""
    key = hashlib.sha256(f"{account}\n{database}".encode()).hexdigest()[:16]
    return folder / f"planfix-{key}.spool"


class Spool:
    """The pages of one unfinished run. Safe for use from several threads."""

    def __init__(self, path: Path) -> None:
        """Opens the file, or creates it; a file of another version is thrown away."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = threading.RLock()
        self._pending_requests = 0
        self._link = self._open()

    def _open(self) -> sqlite3.Connection:
        if not self.path.exists():
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        link = self._connect()
        try:
            version = link.execute("pragma user_version").fetchone()[0]
            tables = link.execute("select count(*) from sqlite_master").fetchone()[0]
        except sqlite3.DatabaseError:
            version, tables = -1, 1
        if version == VERSION:
            return link
        if tables:
            link.close()
            self._unlink()
            return self._open()
        with link:
            link.executescript(f"begin; {_SCHEMA} pragma user_version = {VERSION}; commit;")
        return link

    def _connect(self) -> sqlite3.Connection:
        link = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None)
        link.execute("pragma journal_mode = wal")
        # survives the death of the process; a power cut may cost the last pages, never the file
        link.execute("pragma synchronous = normal")
        # each checkpoint waits for the disk
        link.execute("pragma wal_autocheckpoint = 8192")
        link.execute("pragma secure_delete = fast")
        return link

    def _unlink(self) -> None:
        for suffix in ("", "-wal", "-shm", "-journal"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        """Closes the file and keeps it for the next invocation."""
        with self._lock:
            self.flush()
            self._link.close()

    def discard(self) -> None:
        """Removes the file."""
        with self._lock:
            self._link.close()
            self._unlink()

    def restart(self) -> None:
        """Empties it for a new run."""
        with self._lock:
            self.discard()
            self._link = self._open()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._link.execute("begin immediate")
            try:
                yield self._link
                self._count_requests()
                self._link.execute("commit")
            except BaseException:
                self._link.execute("rollback")
                raise

    def _count_requests(self) -> None:
        if self._pending_requests:
            self._link.execute(
                "insert into meta values ('requests', ?) on conflict (name) do update "
                "set value = cast(value as integer) + cast(excluded.value as integer)",
                [str(self._pending_requests)],
            )
            self._pending_requests = 0

    def count_request(self) -> None:
        """Counts a sent request; written with the next page."""
        with self._lock:
            self._pending_requests += 1

    def flush(self) -> None:
        """Writes the request counter."""
        with self._transaction():
            pass

    @property
    def requests(self) -> int:
        """Requests of this run over all its invocations."""
        with self._lock:
            return int(self.get("requests") or 0) + self._pending_requests

    # meta -----------------------------------------------------------------------------------

    def get(self, name: str) -> Any:
        """Reads a noted value, None when it was never noted."""
        with self._lock:
            row = self._link.execute("select value from meta where name = ?", [name]).fetchone()
        return json.loads(row[0]) if row else None

    def put(self, name: str, value: Any) -> None:
        """Notes a JSON value."""
        with self._transaction() as link:
            link.execute(
                "insert into meta values (?, ?) on conflict (name) do update "
                "set value = excluded.value",
                [name, json.dumps(value)],
            )

    # pages ----------------------------------------------------------------------------------

    def add_page(
        self,
        stage: str,
        unit: str,
        cursor: str,
        body: bytes,
        fetched_at: datetime,
        items: Sequence[Item],
        rows: Sequence[Row] = (),
        *,
        done: bool = False,
        names: Iterable[str] = (),
    ) -> int:
        """Stores a page, its rows for the database and their index; a row's newest page wins.

        `names` are the field names that the page brought for the first time.
        """
        packed, ready = _pack(body), _pack(ready_rows(stage, unit, rows))
        with self._transaction() as link:
            found = link.execute(
                "insert into page (stage, unit, cursor, fetched_at, body, ready) "
                "values (?, ?, ?, ?, ?, ?) on conflict (stage, unit, cursor) do update set "
                "fetched_at = excluded.fetched_at, body = excluded.body, "
                "ready = excluded.ready, loaded = 0 returning seq",
                [stage, unit, cursor, fetched_at.isoformat(), packed, ready],
            ).fetchone()
            seq = int(found[0])
            link.executemany(
                "insert into item values (?, ?, ?, ?, ?, ?, ?) on conflict (stage, id) do update "
                "set seq = excluded.seq, kind = coalesce(excluded.kind, kind), "
                "created = coalesce(excluded.created, created), "
                "updated = coalesce(excluded.updated, updated), "
                "is_deleted = excluded.is_deleted where excluded.seq >= seq",
                [(stage, i.id, seq, i.kind, i.created, i.updated, i.is_deleted) for i in items],
            )
            link.executemany(
                "insert or ignore into name_seen values (?, ?)", [(stage, name) for name in names]
            )
            if done:
                self._mark(link, stage, unit, "done", None)
        return seq

    def page(self, stage: str, unit: str, cursor: str) -> StoredPage | None:
        """Returns a stored page; one that was loaded holds the keys of its rows only."""
        with self._lock:
            row = self._link.execute(
                "select seq, unit, cursor, fetched_at, body from page "
                "where stage = ? and unit = ? and cursor = ?",
                [stage, unit, cursor],
            ).fetchone()
        return _stored(row) if row else None

    def pages(self, stage: str) -> Iterator[StoredPage]:
        """Goes through the pages not loaded yet, as they arrived, one in memory at a time."""
        for row in self._waiting(stage, "seq, unit, cursor, fetched_at, body"):
            yield _stored(row)

    def newest_lines(self, stage: str, table: str) -> Iterator[tuple[datetime, list[bytes]]]:
        """Goes through the rows of pages not loaded yet, without those that a newer page holds."""
        for row in self._waiting(stage, "seq, fetched_at, ready"):
            seq = row[0]
            ids, lines = lines_of(_unpack(row[2]), table)
            newest = self.newest(stage, ids)
            kept = [line for i, line in zip(ids, lines, strict=True) if newest.get(i) == seq]
            yield datetime.fromisoformat(row[1]), kept

    def _waiting(self, stage: str, columns: str) -> Iterator[tuple[Any, ...]]:
        seq = -1
        while True:
            with self._lock:
                row = self._link.execute(
                    f"select {columns} from page "
                    "where stage = ? and seq > ? and loaded = 0 order by seq limit 1",
                    [stage, seq],
                ).fetchone()
            if not row:
                return
            seq = row[0]
            yield row

    def newest(self, stage: str, ids: list[Any]) -> dict[Any, int]:
        """Returns the newest page of each of these rows."""
        found: dict[Any, int] = {}
        with self._lock:
            for start in range(0, len(ids), 500):
                part = ids[start : start + 500]
                marks = ",".join("?" * len(part))
                found.update(
                    self._link.execute(
                        f"select id, seq from item where stage = ? and id in ({marks})",
                        [stage, *part],
                    ).fetchall()
                )
        return found

    def forget_bodies(self, stages: Iterable[str]) -> None:
        """Cuts bodies that are in the database now down to the keys of their rows.

        A list that was left half-way still walks over its first pages by these keys.
        """
        for stage in stages:
            for page in self.pages(stage):
                with self._transaction() as link:
                    link.execute(
                        "update page set body = ?, ready = ?, loaded = 1 where seq = ?",
                        [_pack(_keys_only(page.body)), _pack(b""), page.seq],
                    )
        with self._lock:
            self._link.execute("pragma wal_checkpoint(truncate)")

    def names(self, stage: str) -> set[str]:
        """Returns the field names that any page of a stage brought."""
        return {row[0] for row in self.query("select name from name_seen where stage = ?", [stage])}

    # items ----------------------------------------------------------------------------------

    def _value(self, sql: str, arguments: list[Any]) -> Any:
        with self._lock:
            return self._link.execute(sql, arguments).fetchone()[0]

    def item_count(self, stage: str, kind: str | None = None) -> int:
        """Counts distinct rows of a stage."""
        if kind is None:
            return int(self._value("select count(*) from item where stage = ?", [stage]))
        return int(
            self._value("select count(*) from item where stage = ? and kind = ?", [stage, kind])
        )

    def items(self, stage: str) -> Iterator[Item]:
        """Goes through a stage's index in order of id, a few thousand at a time."""
        last: Any = None
        while True:
            with self._lock:
                rows = self._link.execute(
                    "select id, kind, created, updated from item where stage = ? "
                    "and (? is null or id > ?) order by id limit 5000",
                    [stage, last, last],
                ).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            for row in rows:
                yield Item(*row)

    def query(self, sql: str, arguments: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """Runs a read-only query over the index."""
        with self._lock:
            return self._link.execute(sql, list(arguments)).fetchall()

    def set_known(self, rows: Iterable[tuple[int, str | None, int | None]]) -> None:
        """Notes what the database already holds: id, kind, last change."""
        with self._transaction() as link:
            link.execute("delete from known")
            link.executemany("insert or replace into known values (?, ?, ?)", rows)

    # units ----------------------------------------------------------------------------------

    @staticmethod
    def _mark(link: sqlite3.Connection, stage: str, unit: Any, state: str, note: Any) -> None:
        link.execute(
            "insert into unit values (?, ?, ?, ?) on conflict (stage, unit) do update "
            "set state = excluded.state, note = excluded.note",
            [stage, unit, state, None if note is None else json.dumps(note)],
        )

    def mark(self, stage: str, unit: Any, state: str = "done", note: Any = None) -> None:
        """Notes the state of a piece of work."""
        with self._transaction() as link:
            self._mark(link, stage, unit, state, note)

    def state(self, stage: str, unit: Any) -> str | None:
        """Returns the noted state, None when the unit was not touched."""
        with self._lock:
            row = self._link.execute(
                "select state from unit where stage = ? and unit = ?", [stage, unit]
            ).fetchone()
        return str(row[0]) if row else None

    def note(self, stage: str, unit: Any) -> Any:
        """Returns the note beside the state."""
        with self._lock:
            row = self._link.execute(
                "select note from unit where stage = ? and unit = ?", [stage, unit]
            ).fetchone()
        return json.loads(row[0]) if row and row[0] else None

    def queue(self, stage: str, units: Iterable[Any]) -> None:
        """Adds units of work that are not there yet."""
        with self._transaction() as link:
            link.executemany(
                "insert or ignore into unit values (?, ?, 'todo', ?)",
                [(stage, unit, str(position)) for position, unit in enumerate(units)],
            )

    def units(self, stage: str, state: str) -> list[Any]:
        """Returns the units in a state, in the order in which they were queued."""
        with self._lock:
            rows = self._link.execute(
                "select unit from unit where stage = ? and state = ? "
                "order by cast(note as integer), unit",
                [stage, state],
            ).fetchall()
        return [row[0] for row in rows]

    def unit_count(self, stage: str, state: str) -> int:
        """Counts the units in a state."""
        return int(
            self._value("select count(*) from unit where stage = ? and state = ?", [stage, state])
        )


def _pack(text: bytes) -> bytes:
    packed: bytes = pa.compress(text, PACKING, asbytes=True)
    return len(text).to_bytes(_LENGTH, "big") + packed


def _unpack(packed: bytes) -> bytes:
    length = int.from_bytes(packed[:_LENGTH], "big")
    text: bytes = pa.decompress(packed[_LENGTH:], length, PACKING, asbytes=True)
    return text


def _stored(row: tuple[Any, ...]) -> StoredPage:
    return StoredPage(
        seq=row[0],
        unit=row[1],
        cursor=row[2],
        fetched_at=datetime.fromisoformat(row[3]),
        body=_unpack(row[4]),
    )


def _keys_only(body: bytes) -> bytes:
    parsed = parse_json(body)
    kept = {
        name: [
            {key: row[key] for key in ("id", "key") if key in row}
            for row in value
            if isinstance(row, dict)
        ]
        for name, value in parsed.items()
        if isinstance(value, list)
    }
    return json.dumps(kept).encode()
