"""Log in as every role of the matrix on a real PostgreSQL and try everything it names.

The matrix below is typed from the CRM's own document, not read from the project's file, so that
a wrong letter there is caught here.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import psycopg
import pytest
from psycopg import errors, sql

from loaders import settings
from tests.pytest.conftest import Commands, create_database, drop_database
from tests.pytest.warm import WarmCommands

# role: view, edit, outreach, approve, audit log
MATRIX = {
    "owner": ("A", "A", "A", "A", "A"),
    "dispatcher": ("A", "AP", "N", "N", "R"),
    "operator": ("R", "N", "N", "N", "N"),
    "sales": ("A", "A", "AP", "A", "N"),
    "finance": ("R", "N", "N", "N", "R"),
    "audit": ("R", "N", "N", "N", "A"),
    "outreach": ("N", "N", "A", "N", "N"),
}
ROLES = list(MATRIX)
TABLES = (
    "customers",
    "customer_contacts",
    "customer_tags",
    "customer_notes",
    "customer_consents",
    "customer_external_links",
)
CHANNELS = (
    "phone",
    "email",
    "telegram",
    "whatsapp",
    "viber",
    "skype",
    "facebook",
    "instagram",
    "vk",
)
CUSTOMERS = [uuid.UUID(int=number) for number in range(1, 41)]
SECRET = "role-test"


@dataclass
class Crm:
    """A small live CRM with roles granted, and one login per role.

    Attributes:
        database: the operator's connection settings.
        prefix: prefix of this test's roles; a cluster's roles are shared by all databases.
        commands: the project's commands on that database.
    """

    database: settings.DatabaseSettings
    prefix: str
    commands: Commands

    def login(self, role: str) -> str:
        """Name of the login that is a member of a role."""
        return f"{self.prefix}_{role}_login"

    @contextmanager
    def session(self, role: str) -> Iterator[psycopg.Connection]:
        """A connection logged in as a member of the role, rolled back at the end."""
        mine = replace(self.database, user=self.login(role), password=SECRET)
        with psycopg.connect(mine.url(), autocommit=False) as link:
            yield link
            link.rollback()

    def refused(self, role: str, statement: str, *values: object) -> bool:
        """True when the role may not run the statement; other errors are errors."""
        with self.session(role) as link:
            try:
                link.execute(statement, values)
            except errors.InsufficientPrivilege:
                return True
            return False

    def as_operator(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Runs a statement as the migration's own user."""
        with psycopg.connect(self.database.url(), autocommit=True) as link:
            cursor = link.execute(statement, values)
            return cursor.fetchall() if cursor.description else []


def fill(link: psycopg.Connection) -> None:
    """40 customers with a phone and an e-mail each; consents differ."""
    for number, customer_id in enumerate(CUSTOMERS):
        link.execute(
            "insert into riderra.customers (id, kind, display_name, incomplete_profile, status, "
            "created_at, updated_at) values (%s, 'person', %s, false, 'active', now(), now())",
            [customer_id, f"Client {number}"],
        )
        for channel, value in (
            ("phone", f"+1202555{number:04}"),
            ("email", f"client{number}@example.com"),
        ):
            link.execute(
                "insert into riderra.customer_contacts (id, customer_id, channel, value, "
                "extension, label, is_primary, created_at, updated_at) "
                "values (gen_random_uuid(), %s, %s, %s, '', 'other', true, now(), now())",
                [customer_id, channel, value],
            )
    link.execute(
        "insert into riderra.customer_tags (customer_id, tag, kind) values (%s, 'VIP', 'tag')",
        [CUSTOMERS[0]],
    )
    for customer_id, channel, purpose, status in (
        (CUSTOMERS[0], "email", "marketing", "granted"),
        (CUSTOMERS[0], "phone", "marketing", "denied"),
        (CUSTOMERS[1], "email", "marketing", "denied"),
        (CUSTOMERS[2], "email", "marketing", "unknown"),
        (CUSTOMERS[3], "email", "service", "granted"),
        (CUSTOMERS[4], "phone", "marketing", "granted"),
        # archived: consent alone does not bring a customer back
        (CUSTOMERS[5], "email", "marketing", "granted"),
    ):
        link.execute(
            "insert into riderra.customer_consents (id, customer_id, channel, purpose, status, "
            "source, captured_at) values (gen_random_uuid(), %s, %s, %s, %s, 'planfix', now())",
            [customer_id, channel, purpose, status],
        )
    link.execute("update riderra.customers set status = 'archived' where id = %s", [CUSTOMERS[5]])


@pytest.fixture(scope="module")
def built(
    postgres_server: settings.DatabaseSettings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Crm]:
    """Live tables, roles and logins, made once."""
    database = create_database(postgres_server)
    prefix = f"r{uuid.uuid4().hex[:10]}"
    commands = WarmCommands(
        database,
        tmp_path_factory.mktemp("roles"),
        {"RIDERRA_ROLE_PREFIX": prefix, "RIDERRA_CREATE_LIVE_TABLES": "true"},
    )
    crm = Crm(database, prefix, commands)
    commands.dbt("run-operation", "prepare_database", check=True)
    with psycopg.connect(database.url(), autocommit=True) as link:
        fill(link)
        for schema in ("planfix_raw", "quality", "migration"):
            link.execute(f"create schema if not exists {schema}")
            link.execute(f"create table {schema}.secrets (value text)")
            # what somebody may have granted by hand before
            link.execute(f"grant usage on schema {schema} to public")
            link.execute(f"grant select on {schema}.secrets to public")
    done = commands.dbt("run-operation", "grant_roles", check=True)
    assert "7 roles granted" in done.stdout
    with psycopg.connect(database.url(), autocommit=True) as link:
        for role in ROLES:
            link.execute(
                sql.SQL("create role {} login password {} in role {}").format(
                    sql.Identifier(crm.login(role)),
                    sql.Literal(SECRET),
                    sql.Identifier(f"{prefix}_{role}"),
                )
            )
    yield crm
    drop_database(database)
    with psycopg.connect(postgres_server.url(), autocommit=True) as link:
        for role in ROLES:
            link.execute(sql.SQL("drop role {}").format(sql.Identifier(crm.login(role))))
        for role in ROLES:
            link.execute(sql.SQL("drop role {}").format(sql.Identifier(f"{prefix}_{role}")))


@pytest.fixture
def crm(built: Crm) -> Iterator[Crm]:
    """The CRM with an empty queue and an empty memory of changes."""
    yield built
    built.as_operator("truncate riderra_access.change_requests")
    built.as_operator("truncate riderra_access.client_changes")


def ask(link: psycopg.Connection, action: str, clients: int, channel: str | None = None) -> int:
    """Asks for a change of the first clients and returns the number of the request."""
    row = link.execute(
        "insert into riderra_access.change_requests (action, channel, customer_ids, changes, "
        "reason) values (%s, %s, %s, '{}', 'a reason') returning request_id",
        [action, channel, CUSTOMERS[:clients]],
    ).fetchone()
    assert row
    return int(row[0])


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("table", TABLES)
def test_view_profile(crm: Crm, role: str, table: str) -> None:
    may = MATRIX[role][0] in {"A", "R"}
    assert crm.refused(role, f"select count(*) from riderra.{table}") is not may


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "statement",
    [
        "update riderra.customers set city = 'Sample City', updated_at = now() where id = %s",
        "update riderra.customer_contacts set label = 'work' where customer_id = %s",
        "delete from riderra.customer_contacts where customer_id = %s",
        "insert into riderra.customer_tags (customer_id, tag, kind) values (%s, 'x', 'tag')",
        "delete from riderra.customer_tags where customer_id = %s",
        "update riderra.customer_consents set status = 'denied' where customer_id = %s",
        "delete from riderra.customer_notes where customer_id = %s",
    ],
)
def test_edit_profile(crm: Crm, role: str, statement: str) -> None:
    may = MATRIX[role][1] == "A"
    assert crm.refused(role, statement, CUSTOMERS[0]) is not may


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "statement",
    [
        "delete from riderra.customers where id = %s",
        "update riderra.customers set merged_into_id = null where id = %s",
        "update riderra.customers set created_at = now() where id = %s",
        "update riderra.customers set tenant_id = 'other' where id = %s",
        "update riderra.customer_external_links set external_id = '1' where customer_id = %s",
        "delete from riderra.customer_external_links where customer_id = %s",
    ],
)
def test_nobody_deletes_customers_or_touches_their_keys(
    crm: Crm, role: str, statement: str
) -> None:
    assert crm.refused(role, statement, CUSTOMERS[0])


@pytest.mark.parametrize("role", ROLES)
def test_nobody_changes_the_schema(crm: Crm, role: str) -> None:
    assert crm.refused(role, "create table riderra.mine (value text)")
    assert crm.refused(role, "create table riderra_access.mine (value text)")
    assert crm.refused(role, "truncate riderra.customer_tags")
    assert crm.refused(role, "alter table riderra.customers add column mine text")
    assert crm.refused(
        role, "alter table riderra.customers disable trigger riderra_mass_action_guard"
    )


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("schema", ["planfix_raw", "quality", "migration"])
def test_inner_schemas_are_closed(crm: Crm, role: str, schema: str) -> None:
    assert crm.refused(role, f"select * from {schema}.secrets")
    assert crm.refused(role, f"create table {schema}.mine (value text)")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("channel", CHANNELS)
def test_outreach_views(crm: Crm, role: str, channel: str) -> None:
    may = MATRIX[role][2] == "A"
    statement = f"select count(*) from riderra_access.outreach_{channel}"
    assert crm.refused(role, statement) is not may


def test_outreach_sees_only_consenting_customers_of_the_channel(crm: Crm) -> None:
    with crm.session("outreach") as link:
        seen = {
            channel: link.execute(
                f"select customer_id, value from riderra_access.outreach_{channel}"
            ).fetchall()
            for channel in CHANNELS
        }
    assert seen["email"] == [(CUSTOMERS[0], "client0@example.com")]
    assert seen["phone"] == [(CUSTOMERS[4], "+12025550004")]
    assert all(seen[channel] == [] for channel in CHANNELS[2:])


def test_outreach_cannot_peep_through_the_view(crm: Crm) -> None:
    # without security_barrier the cheap function would run on the withheld rows first
    with crm.session("outreach") as link:
        link.execute(
            "create function pg_temp.peep(value text) returns boolean language plpgsql "
            "cost 0.0000001 as $$ begin raise notice '%', value; return true; end $$"
        )
        leaked: list[str] = []
        link.add_notice_handler(lambda notice: leaked.append(notice.message_primary or ""))
        link.execute("select * from riderra_access.outreach_email where pg_temp.peep(value)")
    assert leaked == ["client0@example.com"]


def test_withdrawn_consent_ends_outreach_at_once(crm: Crm) -> None:
    with crm.session("sales") as link:
        link.execute(
            "update riderra.customer_consents set status = 'denied' where customer_id = %s",
            [CUSTOMERS[4]],
        )
        link.commit()
    with crm.session("outreach") as link:
        assert link.execute("select * from riderra_access.outreach_phone").fetchall() == []
    crm.as_operator(
        "update riderra.customer_consents set status = 'granted' where customer_id = %s",
        CUSTOMERS[4],
    )


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("action", "column"), [("edit_profile", 1), ("outreach", 2)])
def test_who_may_ask(crm: Crm, role: str, action: str, column: int) -> None:
    # the outreach tools only read; people ask
    may = MATRIX[role][column] in {"A", "AP"} and role != "outreach"
    channel = "email" if action == "outreach" else None
    with crm.session(role) as link:
        try:
            ask(link, action, 2, channel)
            asked = True
        except errors.InsufficientPrivilege:
            asked = False
    assert asked is may


@pytest.mark.parametrize("role", ROLES)
def test_who_may_approve(crm: Crm, role: str) -> None:
    with crm.session("dispatcher") as link:
        request_id = ask(link, "edit_profile", 2)
        link.commit()
    may = MATRIX[role][3] == "A"
    statement = "update riderra_access.change_requests set status = 'approved' where request_id=%s"
    assert crm.refused(role, statement, request_id) is not may


def test_a_request_is_stamped_and_cannot_be_forged(crm: Crm) -> None:
    assert crm.refused(
        "dispatcher",
        "insert into riderra_access.change_requests (action, customer_ids, reason, requested_by) "
        "values ('edit_profile', %s, 'x', 'somebody')",
        CUSTOMERS[:1],
    )
    with crm.session("dispatcher") as link:
        request_id = ask(link, "edit_profile", 2)
        link.commit()
    row = crm.as_operator(
        "select requested_by, requested_role, client_count, status "
        "from riderra_access.change_requests where request_id = %s",
        request_id,
    )
    assert row == [(crm.login("dispatcher"), f"{crm.prefix}_dispatcher", 2, "pending")]
    for statement in (
        "update riderra_access.change_requests set customer_ids = '{}' where request_id = %s",
        "update riderra_access.change_requests set decided_by = 'x' where request_id = %s",
        "delete from riderra_access.change_requests where request_id = %s",
    ):
        assert crm.refused("owner", statement, request_id), statement


def test_a_decision_is_final(crm: Crm) -> None:
    with crm.session("dispatcher") as link:
        request_id = ask(link, "edit_profile", 2)
        link.commit()
    decide = "update riderra_access.change_requests set status = %s where request_id = %s"
    with crm.session("sales") as link:
        link.execute(decide, ["rejected", request_id])
        link.commit()
    assert crm.refused("owner", decide, "approved", request_id)


def test_nobody_but_the_owner_approves_his_own_request(crm: Crm) -> None:
    decide = "update riderra_access.change_requests set status = 'approved' where request_id = %s"
    with crm.session("sales") as link:
        request_id = ask(link, "outreach", 2, "email")
        link.commit()
    assert crm.refused("sales", decide, request_id)
    assert not crm.refused("owner", decide, request_id)


@pytest.mark.parametrize("role", ["dispatcher", "operator", "finance", "outreach"])
def test_requests_of_others_stay_hidden(crm: Crm, role: str) -> None:
    with crm.session("sales") as link:
        ask(link, "outreach", 2, "email")
        link.commit()
    with crm.session(role) as link:
        try:
            seen = link.execute("select * from riderra_access.change_requests").fetchall()
        except errors.InsufficientPrivilege:
            seen = []
    assert seen == []


@pytest.mark.parametrize(("clients", "may"), [(20, True), (21, False)])
def test_mass_action_in_one_statement(crm: Crm, clients: int, may: bool) -> None:
    statement = "update riderra.customers set city = 'x' where id = any(%s)"
    assert crm.refused("sales", statement, CUSTOMERS[:clients]) is not may
    assert not crm.refused("owner", statement, CUSTOMERS[:clients])


def test_mass_action_over_several_tables(crm: Crm) -> None:
    with crm.session("sales") as link:
        link.execute("update riderra.customers set city = 'x' where id = any(%s)", [CUSTOMERS[:15]])
        with pytest.raises(errors.InsufficientPrivilege, match="more than 20 clients"):
            link.execute(
                "delete from riderra.customer_contacts where customer_id = any(%s)",
                [CUSTOMERS[15:30]],
            )


def test_mass_action_in_small_transactions(crm: Crm) -> None:
    with crm.session("sales") as link:
        for customer_id in CUSTOMERS[:20]:
            link.execute("update riderra.customers set city = 'x' where id = %s", [customer_id])
            link.commit()
        # the same clients again are not more clients
        link.execute("update riderra.customers set city = 'y' where id = %s", [CUSTOMERS[0]])
        link.commit()
        with pytest.raises(errors.InsufficientPrivilege):
            link.execute("update riderra.customers set city = 'x' where id = %s", [CUSTOMERS[20]])


def test_mass_action_of_a_set_role(crm: Crm) -> None:
    with crm.session("sales") as link:
        link.execute(f"set role {crm.prefix}_sales")
        with pytest.raises(errors.InsufficientPrivilege):
            link.execute("update riderra.customers set city = 'x'")


def test_owner_approval_opens_a_mass_action_for_those_clients_only(crm: Crm) -> None:
    decide = "update riderra_access.change_requests set status = 'approved' where request_id = %s"
    with crm.session("sales") as link:
        request_id = ask(link, "edit_profile", 30)
        link.commit()
    assert crm.refused("sales", decide, request_id)
    with crm.session("owner") as link:
        link.execute(decide, [request_id])
        link.commit()
    statement = "update riderra.customers set city = 'x' where id = any(%s)"
    assert not crm.refused("sales", statement, CUSTOMERS[:30])
    # 30 approved and 10 of his own are fine, 10 approved and 21 others would not be
    assert not crm.refused("sales", statement, CUSTOMERS)
    crm.as_operator("alter table riderra_access.change_requests disable trigger user")
    crm.as_operator(
        "update riderra_access.change_requests set decided_at = decided_at - interval '25 hours'"
    )
    crm.as_operator("alter table riderra_access.change_requests enable trigger user")
    assert crm.refused("sales", statement, CUSTOMERS[:30])


def test_sales_cannot_approve_a_mass_action(crm: Crm) -> None:
    decide = "update riderra_access.change_requests set status = 'approved' where request_id = %s"
    with crm.session("dispatcher") as link:
        request_id = ask(link, "edit_profile", 21)
        link.commit()
    assert crm.refused("sales", decide, request_id)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("view", "level"),
    [
        ("audit_runs", "R"),
        ("audit_batches", "R"),
        ("audit_sign_offs", "R"),
        ("audit_waivers", "R"),
        ("audit_published_rows", "A"),
        ("audit_row_changes", "A"),
        ("audit_identity_events", "A"),
        ("audit_match_decisions", "A"),
    ],
)
def test_audit_log(crm: Crm, role: str, view: str, level: str) -> None:
    may = MATRIX[role][4] in ({"A", "R"} if level == "R" else {"A"})
    assert crm.refused(role, f"select * from riderra_access.{view}") is not may
    assert crm.refused(role, f"delete from riderra_access.{view}")


def test_the_memory_of_changes_is_closed(crm: Crm) -> None:
    for role in ROLES:
        assert crm.refused(role, "delete from riderra_access.client_changes"), role
        assert crm.refused(role, "select * from riderra_access.client_changes"), role


def test_granting_again_changes_nothing(crm: Crm) -> None:
    statement = (
        "select relname, relacl::text from pg_class as relations inner join pg_namespace as spaces "
        "on relations.relnamespace = spaces.oid where nspname in ('riderra', 'riderra_access') "
        "order by 1, 2"
    )
    before = crm.as_operator(statement)
    crm.commands.dbt("run-operation", "grant_roles", check=True)
    assert crm.as_operator(statement) == before


def test_a_dropped_right_comes_back_and_an_added_one_goes(crm: Crm) -> None:
    crm.as_operator(f"grant delete on riderra.customers to {crm.prefix}_sales")
    crm.as_operator(f"revoke select on riderra.customers from {crm.prefix}_finance")
    crm.commands.dbt("run-operation", "grant_roles", check=True)
    assert crm.refused("sales", "delete from riderra.customers where id = %s", CUSTOMERS[0])
    assert not crm.refused("finance", "select count(*) from riderra.customers")


def test_operator_without_the_right_to_create_roles_gets_one_notice(
    built: Crm, postgres_server: settings.DatabaseSettings
) -> None:
    plain = f"{built.prefix}_plain"
    built.as_operator(f"create role {plain} login password '{SECRET}'")
    try:
        other = WarmCommands(
            replace(built.database, user=plain, password=SECRET),
            built.commands.folder,
            {"RIDERRA_ROLE_PREFIX": f"{built.prefix}_other"},
        )
        done = other.dbt("run-operation", "grant_roles", check=True)
        notices = [line for line in done.stdout.splitlines() if "roles: left as they are" in line]
        assert len(notices) == 1
        assert f"alter role {plain} createrole" in notices[0]
    finally:
        built.as_operator(f"drop role {plain}")


def test_the_dry_run_grants_nothing(crm: Crm) -> None:
    done = crm.commands.dbt("run-operation", "grant_roles", "--target", "dry_run", check=True)
    assert "roles" not in done.stdout.split("Found", 1)[-1]


def test_revoke_roles_takes_everything_back(crm: Crm) -> None:
    crm.commands.dbt("run-operation", "revoke_roles", check=True)
    try:
        for role in ROLES:
            assert crm.refused(role, "select count(*) from riderra.customers"), role
        assert crm.as_operator(
            "select count(*) from pg_trigger where tgname = 'riderra_mass_action_guard'"
        ) == [(0,)]
    finally:
        crm.commands.dbt("run-operation", "grant_roles", check=True)
