"""Notes beyond the last N of a card need no answers, however the server plans it."""

from __future__ import annotations

import pytest

from tests.pytest.e2e.conftest import Migration

SIXTY_NOTES = """
    insert into planfix_raw.contact_comments
    select (jsonb_populate_record(null::planfix_raw.contact_comments, to_jsonb(shown) ||
        jsonb_build_object(
            'id', 90000000 + n,
            '_dlt_id', 'note-' || n,
            'payload', shown.payload || jsonb_build_object(
                'id', 90000000 + n,
                'description', '<p>note ' || n || '</p>',
                'dateTime', jsonb_build_object('datetime', to_char(
                    timestamp '2027-01-01' + n * interval '1 day', 'YYYY-MM-DD"T"HH24:MI"Z"'
                ))
            )
        )
    )).*
    from planfix_raw.contact_comments as shown
    cross join generate_series(1, 60) as n
    where shown.id = (
        select min(id) from planfix_raw.contact_comments where payload ->> 'type' = 'Comment'
    )
"""


# a million cards were planned as the second one: the surplus was left out after the answers
@pytest.mark.parametrize("plan", ["", "-c join_collapse_limit=1 -c enable_hashjoin=off"])
def test_surplus_notes_are_left_out_in_any_order_of_joins(migration: Migration, plan: str) -> None:
    assert migration.execute(SIXTY_NOTES) == 60
    migration.commands.dlt("pipeline", "python_functions", "run", check=True)
    migration.commands.run(
        *("dbt", "run", "--full-refresh", "--select", "int_contact_notes__cleaned"),
        check=True,
        PGOPTIONS=plan,
    )
    kept = migration.rows(
        "select body from intermediate.int_contact_notes__cleaned where body ~ '^note [0-9]+$'"
    )
    assert {body for (body,) in kept} == {f"note {number}" for number in range(41, 61)}
