"""Speed of the Python functions: per core, on all cores, in the database, and precomputed.

Run `python -m benchmarks.functions [--rows 100000]`; with DATABASE_URL also on that server (a
schema of its own is made and dropped). The yardstick beside parse_phone is what everybody writes
first: `phonenumbers.parse`, `is_valid_number` and `format_number` on one clean number.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import phonenumbers
import psycopg
from psycopg import sql

from loaders.python_functions.registry import load, python_functions
from loaders.python_functions.worker import compute

WRITINGS = ("+7 {} {}-{}-{}", "8 ({}) {}-{}-{}", "8{}{}{}{}", "7{}{}{}{}", "+7({}){}{}{}")
CHUNK_ROWS = 1000
NAMES = (
    "Александр", "Щербаков", "Юлия", "Хабибуллин", "Евгений", "Соловьёв", "Дмитрий", "Yulia",
    "Shcherbakova", "Müller", "Nataliya", "Kuznetsov", "Вячеслав", "Ксения", "José",
)  # fmt: skip
NOTE = (
    "<div><p>Клиент просит <b>детское</b> кресло &amp; воду.</p><ul><li>рейс {0}</li>"
    '<li>терминал 2</li></ul><p>См. <a href="https://example.com/{0}">письмо</a></p></div>'
)


def rows_of(name: str, count: int) -> Iterator[tuple[Any, ...]]:
    """Makes argument lists as a real base has them; same count, same rows."""
    chance = random.Random(name)
    for number in range(count):
        if name == "parse_phone":
            digits = str(chance.randrange(9_000_000_000, 10_000_000_000))
            parts = (digits[:3], digits[3:6], digits[6:8], digits[8:])
            text = chance.choice(WRITINGS).format(*parts)
            odd = chance.random()
            if odd < 0.05:
                text += f" доб. {chance.randrange(1, 999)}"
            elif odd < 0.1:
                text += f", 8 495 {chance.randrange(100, 999)}-12-34"
            elif odd < 0.13:
                text = f"моб. {text} ({chance.choice(NAMES)})"
            yield text, "RU"
        elif name == "parse_email":
            text = f"{chance.choice('abcdef')}.{number}@mail{number % 50}.example"
            yield (text.title() if number % 5 == 0 else text if number % 7 else f"<{text}>;",)
        elif name == "messenger_handle":
            forms = ("@name_{}", "https://t.me/Name_{}", "{}", "+7916{:07}")
            yield "telegram", chance.choice(forms).format(1_000_000 + number)
        elif name == "name_skeleton":
            yield (
                f"{chance.choice(NAMES)}{chr(1072 + number % 32)}{chr(1072 + number // 32 % 32)}",
            )
        elif name == "html_to_text":
            yield (NOTE.format(number),)
        else:
            yield (f"planfix:{number}",)


def naive(raw: str) -> str | None:
    """The yardstick."""
    try:
        number = phonenumbers.parse(raw, "RU")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def per_second(call: Callable[..., Any], rows: Sequence[tuple[Any, ...]]) -> float:
    """Measures calls a second on this core, after a warm-up."""
    for row in rows[:200]:
        call(*row)
    started = time.perf_counter()
    for row in rows:
        call(*row)
    return len(rows) / (time.perf_counter() - started)


def on_all_cores(name: str, rows: Sequence[tuple[Any, ...]]) -> float:
    """Measures rows a second through worker processes, without the database."""
    chunks = [
        [(str(number), *row) for number, row in enumerate(rows[start : start + CHUNK_ROWS])]
        for start in range(0, len(rows), CHUNK_ROWS)
    ]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        list(pool.map(compute, [name] * 4, [chunks[0]] * 4))
        started = time.perf_counter()
        list(pool.map(compute, [name] * len(chunks), chunks))
        return len(rows) / (time.perf_counter() - started)


def in_server(link: psycopg.Connection, name: str, rows: Sequence[tuple[Any, ...]]) -> float:
    """Measures `create table as` over the built database function."""
    function = python_functions()[name]
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(argument), sql.SQL(kind))
        for argument, kind in zip(function.arguments, function.argument_types, strict=True)
    )
    arguments = sql.SQL(", ").join(map(sql.Identifier, function.arguments))
    asked = sql.Identifier("benchmark_functions", name)
    link.execute(sql.SQL("create table {} ({})").format(asked, columns))
    statement = sql.SQL("copy {} from stdin").format(asked)
    with link.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
    link.execute(sql.SQL("analyze {}").format(asked))
    started = time.perf_counter()
    link.execute(
        sql.SQL("create table {} as select {}({}) as result from {}").format(
            sql.Identifier("benchmark_functions", f"{name}_answers"),
            sql.Identifier("functions", name),
            arguments,
            asked,
        )
    )
    return len(rows) / (time.perf_counter() - started)


def main() -> int:
    """Prints one line per function."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    count = parser.parse_args().rows
    phones = list(rows_of("parse_phone", count))
    print(f"{count:,} rows each, {os.cpu_count()} cores")
    clean = [(f"8 916 {number:07}",) for number in range(count)]
    parse_phone = load("parse_phone")
    print(f"{'yardstick: one clean phone':32}{per_second(naive, clean):>12,.0f}/s a core")
    fast = per_second(parse_phone, [(raw, "RU") for (raw,) in clean])
    print(f"{'parse_phone, the same phones':32}{fast:>12,.0f}/s a core")
    url = os.environ.get("DATABASE_URL")
    link = psycopg.connect(url, autocommit=True) if url else None
    if link:
        link.execute("drop schema if exists benchmark_functions cascade")
        link.execute("create schema benchmark_functions")
        link.execute("set min_parallel_table_scan_size = 0")
    for name in python_functions():
        rows = phones if name == "parse_phone" else list(rows_of(name, count))
        line = f"{name:32}{per_second(load(name), rows):>12,.0f}/s a core"
        line += f"{on_all_cores(name, rows):>12,.0f}/s all cores"
        if link:
            try:
                line += f"{in_server(link, name, rows):>12,.0f}/s in the database"
            except psycopg.errors.UndefinedFunction:
                line += "   (build the functions first)"
            except psycopg.errors.NoDataFound:
                line += "   (precomputed there)"
        print(line)
    if link:
        link.execute("drop schema benchmark_functions cascade")
        link.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process {peak:,.0f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
