"""The main job: from an account to a finished, proven migration, and what must not happen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loaders.settings import parse_database_url
from tests.pytest.conftest import create_database, drop_database
from tests.pytest.e2e.conftest import (
    DEBIAN_URL,
    WITHOUT_UNIT_TESTS,
    Account,
    Migration,
    run_migration,
)

SIZE_FLOOR = 200
pytestmark = pytest.mark.e2e
# the process that makes the migration runs them; see conftest.py for the order of tests
only_reads = pytest.mark.xdist_group("main_job")

LIVE_TABLES = (
    "customers",
    "customer_contacts",
    "customer_tags",
    "customer_notes",
    "customer_consents",
    "customer_external_links",
)


def fingerprint(migration: Migration, schema: str = "riderra") -> dict[str, object]:
    """Identity of every live row version: a rewritten row has another xmin or ctid."""
    return {
        table: migration.value(
            "select md5(coalesce(string_agg(row_version, ',' order by row_version), '')) "
            f"from (select xmin::text || ctid::text || md5(t::text) as row_version "
            f"from {schema}.{table} as t) as versions"
        )
        for table in LIVE_TABLES
    }


@only_reads
def test_every_record_that_counts_is_in_the_crm_with_a_link(
    finished: Migration, account: Account
) -> None:
    expected = {
        row["planfix_id"]
        for row in account.truth
        if row["is_deleted"] == "false" and row["is_test"] == "false"
    }
    linked = {
        str(row[0])
        for row in finished.rows(
            "select link.external_id from riderra.customer_external_links as link "
            "inner join riderra.customers as customer on link.customer_id = customer.id "
            "where link.source_system = 'planfix' and customer.status = 'active'"
        )
    }
    assert len(expected) > SIZE_FLOOR
    missing = expected - linked
    assert len(missing) <= len(expected) * 0.01, sorted(missing)


@only_reads
def test_all_six_tables_have_rows(finished: Migration) -> None:
    counts = {
        table: finished.value(f"select count(*) from riderra.{table}") for table in LIVE_TABLES
    }
    assert all(count > 0 for count in counts.values()), counts


@only_reads
def test_books_balance_record_by_record(finished: Migration) -> None:
    outcomes = dict(
        finished.rows("select outcome, count(*) from quality.reconciliation_records group by 1")
    )
    assert set(outcomes) <= {"published", "merged", "archived", "excluded"}
    assert sum(outcomes.values()) == finished.value(
        "select count(*) from intermediate.int_contacts__normalized"
    )
    assert finished.value("select count(*) from quality.acceptance where not passed") == 0


@only_reads
def test_phones_are_e164_and_emails_lower_case(finished: Migration) -> None:
    assert (
        finished.value(
            "select count(*) from riderra.customer_contacts "
            r"where channel = 'phone' and value !~ '^\+[1-9][0-9]{6,14}$'"
        )
        == 0
    )
    assert (
        finished.value(
            "select count(*) from riderra.customer_contacts "
            "where channel = 'email' and value <> lower(value)"
        )
        == 0
    )


@only_reads
def test_no_cluster_mixes_more_persons_than_the_bar_allows(
    finished: Migration, account: Account
) -> None:
    entity = {row["planfix_id"]: row["entity_id"] for row in account.truth}
    customers: dict[object, set[str]] = {}
    for customer_id, planfix_id in finished.rows(
        "select customer_id, external_id from riderra.customer_external_links "
        "where source_system = 'planfix'"
    ):
        customers.setdefault(customer_id, set()).add(entity[str(planfix_id)])
    mixed = [sorted(found) for found in customers.values() if len(found) > 1]
    assert len(mixed) <= 1, mixed


@only_reads
def test_what_a_trip_lends_joins_cards_and_is_never_published_as_the_clients_own(
    finished: Migration,
) -> None:
    # phones and mails of passengers that stand in for what a card lacks
    lent = finished.rows(
        "select identity.customer_id, lent.key_kind, lent.key_value "
        "from intermediate.int_match_identifiers__collected as lent "
        "inner join migration.customer_identity as identity using (planfix_id) "
        "where lent.is_from_trip"
    )
    shown = set(
        finished.rows(
            "select identity.customer_id, point.channel, "
            "case point.channel when 'email' then point.match_key else point.value end "
            "from intermediate.int_contact_points__normalized as point "
            "inner join migration.customer_identity as identity using (planfix_id)"
        )
    )
    only_lent = [row for row in lent if row not in shown]
    assert only_lent
    published = set(
        finished.rows("select customer_id, channel, value from riderra.customer_contacts")
    )
    assert not published & set(only_lent)
    # as keys they do their work
    assert finished.value(
        "select count(*) from quality.match_explanations "
        "where rule_id = 'trip_contact_full_name' and outcome = 'accepted'"
    )


def test_second_run_writes_no_live_row(migration: Migration) -> None:
    before = fingerprint(migration)
    migration.commands.dlt("pipeline", "run", check=True)
    migration.commands.dbt("build", check=True)
    assert fingerprint(migration) == before


def rewrite_every_position(migration: Migration) -> dict[str, str]:
    """Changes a field of every person; returns a setting under which that is too much at once."""
    rewritten = migration.execute(
        """
        update planfix_raw.contacts set payload = payload || '{"position": "Rewritten"}'
        where not is_company
        """
    )
    assert rewritten > SIZE_FLOOR / 2
    return {"RIDERRA_MAX_OVERWRITTEN_SHARE": "0.01"}


def test_failing_gate_stops_the_build_before_the_first_live_row(migration: Migration) -> None:
    before = fingerprint(migration)
    strict = rewrite_every_position(migration)
    done = migration.commands.dbt("build", **strict)
    assert done.returncode != 0
    (gate,) = migration.rows("select gate from quality.migration_gates where not passed")
    assert gate == ("live_rows_overwritten",)
    assert fingerprint(migration) == before


def test_dry_run_shows_failing_gates_and_the_difference_and_leaves_live_alone(
    migration: Migration,
) -> None:
    before = fingerprint(migration)
    identities = (
        "select customer_id, planfix_id from migration.customer_identity order by planfix_id"
    )
    state = migration.rows(identities)
    strict = rewrite_every_position(migration)
    done = migration.commands.dbt("build", "--target", "dry_run", check=True, **strict)
    assert "dry run goes on although gates stop the publishing" in done.stdout
    assert fingerprint(migration) == before
    assert migration.rows(identities) == state
    # the rest ran: the copy of the live tables has what the real run would have written
    assert migration.value(
        "select count(*) from dry_run_riderra.customers where position = 'Rewritten'"
    )
    assert migration.value("select count(*) from dry_run_publish.publish_plan_samples")


@only_reads
def test_nothing_personal_in_the_output(finished: Migration) -> None:
    values = [
        str(row[0])
        for row in finished.rows(
            "select value from riderra.customer_contacts where channel in ('phone', 'email')"
        )
    ]
    text = finished.output
    for path in finished.commands.folder.rglob("*.log*"):
        if path.is_file() and os.access(path, os.R_OK):
            text += path.read_text(encoding="utf-8", errors="replace")
    assert values
    assert [value for value in values if value in text] == []


def assert_same_result(finished: Migration, account: Account, server: str, folder: Path) -> None:
    database = create_database(parse_database_url(server))
    try:
        other = run_migration(
            account, database, folder, RIDERRA_PYTHON_FUNCTIONS="in_database", **WITHOUT_UNIT_TESTS
        )
        for table, columns in {
            "customers": "id, display_name, kind, status, company_id, timezone, incomplete_profile",
            "customer_contacts": "customer_id, channel, value, extension, is_primary",
            "customer_tags": "customer_id, kind, tag",
            "customer_notes": "customer_id, body, noted_at",
            "customer_consents": "customer_id, channel, purpose, status",
            "customer_external_links": "customer_id, source_system, external_id, match_rule",
        }.items():
            statement = f"select {columns} from riderra.{table}"
            assert sorted(map(repr, other.rows(statement))) == sorted(
                map(repr, finished.rows(statement))
            ), table
    finally:
        drop_database(database)


if DEBIAN_URL:  # .ci/run starts Debian's PostgreSQL 15 and names it

    def test_same_result_on_postgresql_15_with_functions_in_the_database(
        finished: Migration, account: Account, tmp_path: Path
    ) -> None:
        assert_same_result(finished, account, DEBIAN_URL, tmp_path)
