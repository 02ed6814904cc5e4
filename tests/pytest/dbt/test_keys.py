"""A key test looks into the catalog first; without a unique index on its columns it counts."""

from __future__ import annotations

import re

import psycopg

from tests.pytest.conftest import Commands

ID = "'00000000-0000-0000-0000-000000000001'::uuid"

# table, its columns, statements after its rows are in, its test, and what that must say
TABLES = [
    (
        "customers",
        f"values ({ID}), (gen_random_uuid())",
        "id",
        "alter table {0} add primary key (id)",
        "customers_have_one_row_per_id",
        "PASS",
    ),
    ("customer_contacts", f"values ({ID}), ({ID})", "id", "", "{0}_have_one_row_per_id", "FAIL 1"),
    # an index lets empty values in
    (
        "customer_notes",
        f"values ({ID}), (null)",
        "id",
        "create unique index on {0} (id)",
        "{0}_have_one_row_per_id",
        "FAIL 1",
    ),
    # an index of some rows, and one of other columns
    (
        "customer_consents",
        f"values ({ID}, 1), ({ID}, 2)",
        "id, number",
        "create unique index on {0} (id) where number = 1; create unique index on {0} (id, number)",
        "{0}_have_one_row_per_id",
        "FAIL 1",
    ),
    # in a combination two empty values are one and the same
    (
        "customer_tags",
        f"values ({ID}, null, 'vip'), ({ID}, null, 'vip'), ({ID}, 'tag', 'vip')",
        "customer_id, kind, tag",
        "create unique index on {0} (tag, kind, customer_id)",
        "{0}_have_one_row_per_customer_kind_and_tag",
        "FAIL 1",
    ),
]


def test_keys_are_counted_wherever_the_server_does_not_vouch_for_them(
    commands: Commands, link: psycopg.Connection
) -> None:
    link.execute("create schema ready")
    for table, rows, columns, statements, _, _ in TABLES:
        link.execute(
            f"create table ready.{table} as select * from ({rows}) as given ({columns});"
            + statements.format(f"ready.{table}")
        )
    names = [test.format(table) for table, _, _, _, test, _ in TABLES]
    said = commands.dbt("test", "--select", *names).stdout
    verdicts = dict(re.findall(r" (\w+) \.+ \[(PASS|FAIL \d+|ERROR)", said))
    assert verdicts == {name: verdict for name, (*_, verdict) in zip(names, TABLES, strict=True)}, (
        said
    )
