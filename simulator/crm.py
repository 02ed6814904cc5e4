"""The CRM's own side of the account: users and orders, written into a database.

Users carry the managers' e-mails (some differ, some are missing, one is inactive); orders are
trips as partners typed them. The tables are marked as synthetic by a comment; tables without that
mark are never replaced.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator

import psycopg
from psycopg import sql

from loaders import database, settings
from loaders.errors import DatabaseError
from simulator.model import Account
from simulator.vocabulary import vocabulary

MARK = "synthetic data of the simulator"
ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"

_DDL = """
create schema if not exists crm;
create table if not exists crm.users (
    id text primary key,
    email text,
    name text,
    role text,
    is_active boolean not null,
    created_at timestamptz not null
);
create table if not exists crm.orders (
    id text primary key,
    source text,
    external_key text,
    pickup_at timestamptz,
    from_place text,
    to_place text,
    status text,
    counterparty_name text,
    customer_name text,
    customer_email text,
    customer_phone text,
    booking_id text,
    order_number text,
    language text
);
-- emptied, not dropped: views of the staging layer stand on them
truncate crm.users, crm.orders;
"""

User = tuple[str, str, str, str, bool, dt.datetime]
Order = tuple[str | dt.datetime, ...]


def cuid(rng: random.Random) -> str:
    """Draws an id of the CRM's kind."""
    return "c" + "".join(ALPHABET[int(rng.random() * 36)] for _ in range(24))


def crm_user_id(planfix_user_id: int) -> str:
    """Returns the CRM id of the user who stands for a Planfix employee."""
    return cuid(random.Random(f"crm user:{planfix_user_id}"))


def crm_users(account: Account) -> list[User]:
    """Makes the CRM's users: most managers, two of them under another address, one inactive."""
    since = dt.datetime(2024, 1, 15, 9, 0, tzinfo=dt.UTC)
    emails = {5: "vera.maketova@riderra.example", 6: "DENIS@riderra.example"}
    rows: list[User] = []
    for user in account.users:
        # the robot and two people who left have no user
        if user.role == "Robot" or user.id in (9, 11):
            continue
        role = "owner" if user.role == "Admin" else "dispatcher" if user.group_id == 3 else "sales"
        email = emails.get(user.id, user.email)
        rows.append((crm_user_id(user.id), email, user.full_name, role, user.id != 10, since))
    finance = ("finance@riderra.example", "Елена Бухгалтерова", "finance")
    rows.append((crm_user_id(1000), *finance, True, since))
    return rows


def crm_orders(account: Account) -> Iterator[Order]:
    """Yields the CRM's orders: trips of the account, and some of people it does not know."""
    rng = random.Random(f"orders:{account.size}:{account.seed}")
    words = vocabulary()
    partners = ("Booking", "TransferHub", "Agent portal", "Site", "Phone")
    number = 10_000
    for trip in account.trips:
        if not trip.in_crm:
            continue
        number += 1
        partner = partners[int(rng.random() * len(partners))]
        companies = trip.customer.companies
        counterparty = companies[0].name if companies and rng.random() < 0.6 else partner
        yield (
            cuid(rng),
            partner.lower().replace(" ", "_"),
            f"{partner[:2].upper()}-{account.seed}-{number}",
            dt.datetime.fromtimestamp(trip.pickup, dt.UTC),
            trip.from_place,
            trip.to_place,
            "completed" if trip.pickup < account.anchor else "confirmed",
            counterparty,
            trip.passenger,
            trip.email,
            trip.phone,
            f"B{rng.randrange(10**8):08d}",
            f"R-{number}",
            "ru" if not trip.passenger.isascii() else "en",
        )
    for _ in range(len(account.trips) // 10):
        number += 1
        country = list(words.surnames_latin)[int(rng.random() * len(words.surnames_latin))]
        given = words.given_latin[country, "male"]
        surname = words.surnames_latin[country]
        pickup = account.anchor - rng.randrange(200 * 86_400)
        yield (
            cuid(rng),
            "agent_portal",
            f"AG-{account.seed}-{number}",
            dt.datetime.fromtimestamp(pickup, dt.UTC),
            "DXB Dubai",
            "1 Park Street, Dubai",
            "completed",
            "Agent portal",
            f"{given[int(rng.random() * len(given))]} {surname[int(rng.random() * len(surname))]}",
            "",
            "",
            f"B{rng.randrange(10**8):08d}",
            f"R-{number}",
            "en",
        )


def write_crm(account: Account, database_url: str | None = None) -> tuple[int, int]:
    """Writes crm.users and crm.orders.

    Args:
        account: the account whose CRM it is.
        database_url: another database than the embedded one.

    Returns:
        Rows of users and orders.

    Raises:
        DatabaseError: the database in use is not the embedded one and was not named, or its tables
            hold something else than synthetic data.
    """
    found = settings.parse_database_url(database_url) if database_url else settings.database()
    with database.connect(found) as link:
        if not database_url and not database.is_embedded(link):
            raise DatabaseError(
                "synthetic CRM data goes into the embedded database only; to write it elsewhere "
                "name that database with --database-url."
            )
        for table in ("crm.users", "crm.orders"):
            if _is_foreign(link, table):
                raise DatabaseError(
                    f"{table} exists and does not hold the simulator's data: it is left alone."
                )
        with link.cursor() as cursor:
            cursor.execute(_DDL)
            users = orders = 0
            with cursor.copy("copy crm.users from stdin") as copy:
                for user in crm_users(account):
                    copy.write_row(user)
                    users += 1
            with cursor.copy("copy crm.orders from stdin") as copy:
                for order in crm_orders(account):
                    copy.write_row(order)
                    orders += 1
            for table in ("users", "orders"):
                cursor.execute(
                    sql.SQL("comment on table crm.{} is {}").format(
                        sql.Identifier(table), sql.Literal(MARK)
                    )
                )
    return users, orders


def _is_foreign(link: psycopg.Connection, table: str) -> bool:
    row = link.execute(
        "select obj_description(to_regclass(%(t)s), 'pg_class') is distinct from %(mark)s "
        "where to_regclass(%(t)s) is not null",
        {"t": table, "mark": MARK},
    ).fetchone()
    return bool(row and row[0])
