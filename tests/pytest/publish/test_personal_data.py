"""What dbt says about an error of PostgreSQL names objects, never values."""

from __future__ import annotations

import psycopg2
import pytest

from dbt_personal_data import without_values
from loaders import settings

SECRETS = ("Ivanova", "Иванова", "+79991234567")
FAILING = {
    "select 'Ivanova'::bigint": "invalid input syntax for type bigint",
    "select '+79991234567'::date": "time zone displacement out of range",
    "select to_date('Иванова', 'YYYY')": "invalid value",
    "insert into client values (1, 'Ivanova', 'x')": 'check constraint "client_phone_check"',
    "insert into client values (1, 'Ivanova', null)": 'column "phone" of relation "client"',
    "insert into client values (2, 'Иванова', '+79991234567')": "client_pkey",
    "create unique index on client (name)": "could not create unique index",
    "insert into client values (3, 'Ivanova, Ivanova, Ivanova', '+7')": "too long",
    "do $$ begin raise using errcode = '38000', message = 'no: Ivanova'; end $$": "no(value",
    "do $$ begin raise 'say this' using hint = 'do that', detail = 'Ivanova'; end $$": (
        "say this\nHINT: do that"
    ),
}


@pytest.mark.parametrize("statement", FAILING)
def test_values_are_not_shown(statement: str, database: settings.DatabaseSettings) -> None:
    link = psycopg2.connect(database.url())
    try:
        cursor = link.cursor()
        cursor.execute(
            "create table client (id int primary key, name varchar(20),"
            " phone text not null check (phone like '+%'))"
        )
        cursor.execute("insert into client values (2, 'Ivanova', '+79991234567')")
        cursor.execute("insert into client values (4, 'Ivanova', '+79991234567')")
        with pytest.raises(psycopg2.Error) as caught:
            cursor.execute(statement)
        told = without_values(caught.value)
        assert FAILING[statement] in told
        assert not any(secret in told for secret in SECRETS)
    finally:
        link.close()


def test_other_errors_keep_their_words(database: settings.DatabaseSettings) -> None:
    link = psycopg2.connect(database.url())
    try:
        with pytest.raises(psycopg2.Error) as caught:
            link.cursor().execute("select nothing from nowhere")
        assert 'relation "nowhere" does not exist' in without_values(caught.value)
    finally:
        link.close()
