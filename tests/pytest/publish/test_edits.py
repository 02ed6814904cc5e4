"""What is written, kept, left alone or put before a person when Planfix and the CRM change.

Every scenario has customers of its own and changes them step by step; a `yield` is a build. All
scenarios take their steps side by side, so that three builds serve all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

import pytest

from tests.pytest.publish.conftest import TABLES, Published

Scenario = Callable[[Published], Generator[None, None, None]]
SCENARIOS: dict[str, Scenario] = {}


def scenario(function: Scenario) -> Scenario:
    """Registers a scenario under its name."""
    SCENARIOS[function.__name__] = function
    return function


def customer(number: int | str) -> str:
    """Returns the SQL for the id of a customer."""
    return f"md5('c{number}')::uuid"


def plan(
    crm: Published,
    number: int | str,
    columns: str = "action, reason, column_group",
    table: str = "customers",
) -> list[tuple[object, ...]]:
    """Returns the plan rows of a customer but for those without a change."""
    return crm.rows(
        f"select {columns} from publish.publish_plan where table_name = '{table}'"
        f" and action <> 'no_change' and customer_id = {customer(number)} order by 1, 2, 3"
    )


def count(crm: Published, table: str, number: int | str) -> int:
    """Returns how many live rows of a table a customer has."""
    found: int = crm.value(
        f"select count(*) from riderra.{table} where customer_id = {customer(number)}"
    )
    return found


def add_contact(crm: Published, number: int, channel: str, value: str, primary: bool) -> None:
    """Adds a contact to the source."""
    crm.execute(
        "insert into ready.customer_contacts (id, customer_id, channel, value, extension, label,"
        f" is_primary) values (md5('{value}')::uuid, {customer(number)}, '{channel}', '{value}',"
        f" '', 'other', {primary})"
    )


def merge(crm: Published, loser: int, winner: int) -> None:
    """Lets matching find that two published customers are one."""
    for table in TABLES[1:-1]:
        crm.execute(f"delete from ready.{table} where customer_id = {customer(loser)}")
    crm.execute(f"delete from ready.customers where id = {customer(loser)}")
    crm.execute(
        f"update ready.customer_external_links set customer_id = {customer(winner)}"
        f" where customer_id = {customer(loser)}"
    )
    add_contact(crm, winner, "phone", f"+7999{loser:06}1", False)
    crm.execute(
        f"update intermediate.int_identity__assigned set change = 'merge', cluster_id = {winner},"
        f" previous_customer_id = customer_id, customer_id = {customer(winner)}"
        f" where planfix_id = {loser}"
    )
    crm.execute(
        "update intermediate.int_identity__customers set status = 'merged', cluster_id = null,"
        f" merged_into_id = {customer(winner)} where customer_id = {customer(loser)}"
    )
    crm.execute(
        f"insert into intermediate.int_identity__events values ('merge', {customer(winner)},"
        f" {customer(loser)}, {loser}, 'found to be one')"
    )


@scenario
def a_change_in_the_source_is_written(crm: Published) -> Generator[None, None, None]:
    crm.execute(f"update ready.customers set city = 'Tver' where id = {customer(11)}")
    add_contact(crm, 11, "telegram", "someone", True)
    before = crm.rows("select xmin::text, * from riderra.customer_tags")
    yield
    assert plan(crm, 11, "action, reason, column_group, changed_columns") == [
        ("update", "changed_in_source", "address", ["city"])
    ]
    assert plan(crm, 11, table="customer_contacts") == [("insert", "new_in_source", None)]
    assert crm.value(f"select city from riderra.customers where id = {customer(11)}") == "Tver"
    assert crm.value(
        f"select updated_at > created_at from riderra.customers where id = {customer(11)}"
    )
    # rows of a customer that is written are not rewritten with it
    after = crm.rows("select xmin::text, * from riderra.customer_tags")
    assert set(after) <= set(before)
    yield
    assert plan(crm, 11) == []


@scenario
def the_crm_keeps_its_edit_until_both_change(crm: Published) -> Generator[None, None, None]:
    row = f"from riderra.customers where id = {customer(13)}"
    crm.execute(f"update riderra.customers set city = 'Omsk' where id = {customer(13)}")
    crm.execute(f"update ready.customers set language = 'en' where id = {customer(13)}")
    yield
    assert plan(crm, 13) == [
        ("keep_crm_edit", "edited_in_crm", "address"),
        ("update", "changed_in_source", "locale"),
    ]
    crm.execute(f"update ready.customers set city = 'Tver' where id = {customer(13)}")
    yield
    assert plan(crm, 13, "action, changed_columns, before_values, after_values") == [
        ("conflict", ["city"], {"city": "Omsk"}, {"city": "Tver"})
    ]
    assert crm.rows(f"select city, language {row}") == [("Omsk", "en")]
    # the CRM takes the source's value: agreed, and from then on the source leads again
    crm.execute(f"update riderra.customers set city = 'Tver' where id = {customer(13)}")
    yield
    assert plan(crm, 13) == []
    crm.execute(f"update ready.customers set city = 'Sochi' where id = {customer(13)}")
    yield
    assert crm.value(f"select city {row}") == "Sochi"


def settle(crm: Published, number: int, verdict: str, table: str = "customers") -> None:
    """Decides the one conflict of a customer in a table."""
    key = crm.value(
        "select conflict_key from publish.publish_conflicts"
        f" where customer_id = {customer(number)} and table_name = '{table}'"
    )
    crm.commands.dbt(
        "run-operation",
        "settle_conflict",
        "--args",
        f"{{conflict_key: '{key}', verdict: {verdict}, decided_by: anna}}",
        check=True,
    )


@scenario
def a_person_settles_conflicts(crm: Published) -> Generator[None, None, None]:
    for number in (25, 28):
        crm.execute(f"update riderra.customers set city = 'Omsk' where id = {customer(number)}")
        crm.execute(f"update ready.customers set city = 'Tver' where id = {customer(number)}")
    crm.execute("delete from riderra.customer_notes where id = md5('n291')::uuid")
    crm.execute("update ready.customer_notes set body = 'x' where id = md5('n291')::uuid")
    crm.execute("update riderra.customer_notes set body = 'y' where id = md5('n311')::uuid")
    crm.execute("delete from ready.customer_notes where id = md5('n311')::uuid")
    yield
    assert crm.rows(
        "select customer_id, sentence, crm_values, source_values ->> 'city', owner"
        f" from publish.publish_conflicts where customer_id = {customer(25)}"
    ) == [
        (
            crm.value(f"select {customer(25)}"),
            "The CRM and Planfix both changed city; what the CRM has stays until somebody decides.",
            {"city": "Omsk"},
            "Tver",
            "CRM managers",
        )
    ]
    settle(crm, 25, "crm")
    settle(crm, 28, "planfix")
    settle(crm, 29, "planfix", "customer_notes")
    settle(crm, 31, "crm", "customer_notes")
    yield
    assert [row[0] for row in plan(crm, 25)] == ["keep_crm_edit"]
    assert [row[0] for row in plan(crm, 28)] == ["update"]
    cities = f"select city from riderra.customers where id in ({customer(25)}, {customer(28)})"
    assert crm.rows(f"{cities} order by display_name") == [("Omsk",), ("Tver",)]
    assert [row[0] for row in plan(crm, 29, table="customer_notes")] == ["insert"]
    assert crm.value("select body from riderra.customer_notes where id = md5('n291')::uuid") == "x"
    assert plan(crm, 31, table="customer_notes") == []
    assert crm.value("select body from riderra.customer_notes where id = md5('n311')::uuid") == "y"
    assert crm.rows(
        "select verdict, decided_by, count(*) from migration.conflict_decisions group by 1, 2"
        " order by 1"
    ) == [("crm", "anna", 2), ("planfix", "anna", 2)]


@scenario
def what_the_crm_removed_does_not_come_back(crm: Published) -> Generator[None, None, None]:
    crm.execute("delete from riderra.customer_notes where id = md5('n141')::uuid")
    crm.execute(
        "update riderra.customer_contacts set value = '+79990000000'"
        f" where customer_id = {customer(14)} and channel = 'phone'"
    )
    yield
    assert plan(crm, 14, table="customer_notes") == [("keep_crm_edit", "removed_in_crm", None)]
    assert plan(crm, 14, table="customer_contacts") == [("keep_crm_edit", "edited_in_crm", "value")]
    # now the source changes what the CRM removed, and removes what the CRM changed
    crm.execute("update ready.customer_notes set body = 'x' where id = md5('n141')::uuid")
    crm.execute(
        f"delete from ready.customer_contacts where customer_id = {customer(14)}"
        " and channel = 'phone'"
    )
    yield
    assert plan(crm, 14, table="customer_notes") == [
        ("conflict", "removed_in_crm_changed_in_source", None)
    ]
    assert plan(crm, 14, table="customer_contacts") == [
        ("conflict", "gone_from_source_edited_in_crm", None)
    ]
    assert count(crm, "customer_notes", 14) == 1
    assert (
        crm.value(
            f"select value from riderra.customer_contacts where customer_id = {customer(14)}"
            " and channel = 'phone'"
        )
        == "+79990000000"
    )


@scenario
def what_is_gone_from_the_source_goes(crm: Published) -> Generator[None, None, None]:
    for table in TABLES[1:-1]:
        crm.execute(f"delete from ready.{table} where customer_id = {customer(18)}")
    # gone on both sides: nothing to write, and nothing to remember any more
    crm.execute("delete from riderra.customer_notes where id = md5('n181')::uuid")
    yield
    assert {(table, row[0], row[1]) for table in TABLES for row in plan(crm, 18, table=table)} == {
        (table, "retire", "gone_from_source") for table in TABLES[1:-1]
    }
    assert [count(crm, table, 18) for table in TABLES[1:]] == [0, 0, 0, 0, 1]
    assert (
        crm.value(
            "select count(*) from migration.published_rows where table_name = 'customer_notes'"
            f" and customer_id = {customer(18)}"
        )
        == 0
    )
    assert crm.rows(
        "select action, before_values ->> 'body' is not null from migration.row_changes"
        f" where table_name = 'customer_notes' and customer_id = {customer(18)} order by 1"
    ) == [("forget", False), ("retire", True)]


@scenario
def a_row_of_the_crm_with_the_same_value_is_adopted(
    crm: Published,
) -> Generator[None, None, None]:
    crm.execute(
        "insert into riderra.customer_contacts (customer_id, channel, value, label)"
        f" values ({customer(16)}, 'telegram', 'adopted', 'work')"
    )
    add_contact(crm, 16, "telegram", "adopted", True)
    before = crm.versions("riderra")["riderra.customer_contacts"]
    yield
    assert plan(crm, 16, "action, changed_columns, reason", "customer_contacts") == [
        ("adopt", ["id", "is_primary", "label"], "already_in_crm")
    ]
    yield
    assert [row[0] for row in plan(crm, 16, table="customer_contacts")] == ["keep_crm_edit"] * 2
    mine = [row for row in before if "adopted" in row[2]]
    assert mine == [
        row for row in crm.versions("riderra")["riderra.customer_contacts"] if "adopted" in row[2]
    ]


@scenario
def a_primary_contact_of_the_crm_stays_the_only_one(
    crm: Published,
) -> Generator[None, None, None]:
    mine = f"riderra.customer_contacts where customer_id = {customer(17)} and channel = 'phone'"
    crm.execute(f"delete from {mine}")
    crm.execute(
        "insert into riderra.customer_contacts (customer_id, channel, value, is_primary)"
        f" values ({customer(17)}, 'phone', '+79990000000', true)"
    )
    add_contact(crm, 17, "phone", "+79991111111", False)
    crm.execute(
        f"update ready.customer_contacts set is_primary = value = '+79991111111'"
        f" where customer_id = {customer(17)} and channel = 'phone'"
    )
    yield
    assert crm.rows(f"select value, is_primary from {mine} order by 1") == [
        ("+79990000000", True),
        ("+79991111111", False),
    ]
    yield
    # the CRM gives its choice up: the source's one becomes primary
    crm.execute(f"delete from {mine} and value = '+79990000000'")
    yield
    assert crm.rows(f"select value, is_primary from {mine} order by 1") == [("+79991111111", True)]


@scenario
def primary_moves_from_one_contact_to_another(crm: Published) -> Generator[None, None, None]:
    crm.execute(
        "update ready.customer_contacts set is_primary = not is_primary"
        f" where customer_id = {customer(15)} and channel = 'phone'"
    )
    yield
    assert [row[0] for row in plan(crm, 15, table="customer_contacts")] == ["update"] * 2
    assert crm.rows(
        "select id, is_primary from riderra.customer_contacts"
        f" where customer_id = {customer(15)} order by 1"
    ) == crm.rows(
        "select id, is_primary from ready.customer_contacts"
        f" where customer_id = {customer(15)} order by 1"
    )


@scenario
def merged_customers_stay_and_point_at_the_survivor(
    crm: Published,
) -> Generator[None, None, None]:
    merge(crm, 22, 21)
    crm.execute(
        "insert into riderra.customer_contacts (customer_id, channel, value)"
        f" values ({customer(22)}, 'vk', 'of_the_crm')"
    )
    link = "from riderra.customer_external_links where external_id = '22'"
    before = crm.rows(f"select id, first_migrated_at {link}")
    yield
    assert crm.rows(
        f"select status, merged_into_id = {customer(21)} from riderra.customers"
        f" where id = {customer(22)}"
    ) == [("merged", True)]
    # what the CRM added to it stays where it is
    assert crm.rows(
        f"select value from riderra.customer_contacts where customer_id = {customer(22)}"
    ) == [("of_the_crm",)]
    assert crm.rows(f"select id, first_migrated_at {link}") == before
    assert crm.value(f"select customer_id = {customer(21)} {link}")
    assert crm.value(
        f"select customer_id = {customer(21)} from migration.customer_identity"
        " where planfix_id = 22"
    )
    events = "select count(*) from migration.identity_events where planfix_id = 22"
    assert crm.value(f"{events} and event = 'merge'") == 1
    # both in one transaction
    assert (
        crm.value(
            "select count(distinct batch_number) from publish.publish_plan_customers"
            f" where customer_id in ({customer(21)}, {customer(22)})"
        )
        == 1
    )
    yield
    # the events of an identity model that was not built again are not written twice
    assert crm.value(f"{events} and event = 'merge'") == 1
    # a person says: not the same; the record gets a new customer
    crm.execute(
        "insert into ready.customers select (jsonb_populate_record(customers, jsonb_build_object("
        f"'id', {customer('new')}, 'display_name', 'New'))).* from ready.customers"
        f" where id = {customer(21)}"
    )
    crm.execute(
        f"update ready.customer_external_links set customer_id = {customer('new')}"
        " where external_id = '22'"
    )
    crm.execute(
        "update intermediate.int_identity__assigned set change = 'split', cluster_id = 22,"
        f" previous_customer_id = customer_id, customer_id = {customer('new')}"
        " where planfix_id = 22"
    )
    crm.execute(
        f"insert into intermediate.int_identity__customers values ({customer('new')}, 22,"
        " 'active', null)"
    )
    crm.execute(
        f"insert into intermediate.int_identity__events values ('split', {customer('new')},"
        f" {customer(21)}, 22, 'a person said so')"
    )
    yield
    assert crm.value(f"select customer_id = {customer('new')} {link}")
    assert crm.value(f"select status from riderra.customers where id = {customer(22)}") == "merged"


@scenario
def a_customer_without_records_is_archived_whole(crm: Published) -> Generator[None, None, None]:
    for table in TABLES:
        column = "id" if table == "customers" else "customer_id"
        crm.execute(f"delete from ready.{table} where {column} = {customer(24)}")
    crm.execute(
        "update intermediate.int_identity__customers set status = 'retired', cluster_id = null"
        f" where customer_id = {customer(24)}"
    )
    children = [count(crm, table, 24) for table in TABLES[1:]]
    yield
    assert plan(crm, 24, "action, before_values, after_values, reason, source_record") == [
        ("retire", {"status": "active"}, {"status": "archived"}, "no_record_left", "planfix:24")
    ]
    assert crm.value(f"select status from riderra.customers where id = {customer(24)}") == (
        "archived"
    )
    assert [count(crm, table, 24) for table in TABLES[1:]] == children
    yield
    assert plan(crm, 24) == []


@scenario
def a_customer_that_the_crm_removed_stays_away(crm: Published) -> Generator[None, None, None]:
    company = customer(30)
    employees = f"select count(*) from riderra.customers where company_id = {company}"
    assert crm.value(employees) > 0
    crm.execute(f"update riderra.customers set company_id = null where company_id = {company}")
    for table in TABLES[:0:-1]:
        crm.execute(f"delete from riderra.{table} where customer_id = {company}")
    crm.execute(f"delete from riderra.customers where id = {company}")
    crm.execute(
        f"insert into ready.customer_tags (customer_id, tag, kind) values ({company}, 'n', 'tag')"
    )
    for _ in range(2):
        yield
        assert {row[0] for table in TABLES for row in plan(crm, 30, table=table)} == {
            "keep_crm_edit"
        }
        assert crm.value(f"select count(*) from riderra.customers where id = {company}") == 0
        assert crm.value(employees) == 0


@scenario
def a_group_that_was_never_written_is_written(crm: Published) -> Generator[None, None, None]:
    # as after a new column: the baseline ends before the last group, the CRM has nulls there
    crm.execute(
        "update migration.published_rows set group_hashes = group_hashes[1:10]"
        f" where table_name = 'customers' and row_key = {customer(26)}"
    )
    crm.execute(
        "update riderra.customers set source_created_at = null, source_updated_at = null"
        f" where id = {customer(26)}"
    )
    yield
    assert plan(crm, 26) == [("update", "changed_in_source", "source")]
    assert crm.value(
        f"select source_updated_at is not null from riderra.customers where id = {customer(26)}"
    )
    yield
    assert plan(crm, 26) == []


# one process takes all scenarios through their steps together
@pytest.fixture(scope="module")
def outcomes(published_for_module: Published) -> dict[str, Exception | None]:
    """Takes all scenarios through their steps; says how each of them ended."""
    found: dict[str, Exception | None] = {}
    running = {name: function(published_for_module) for name, function in SCENARIOS.items()}
    while running:
        for name, steps in list(running.items()):
            try:
                next(steps)
            except StopIteration:
                found[name] = None
                del running[name]
            except Exception as error:
                found[name] = error
                del running[name]
        if running:
            published_for_module.publish(check=True)
    return found


@pytest.mark.xdist_group("scenarios")
@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str, outcomes: dict[str, Exception | None]) -> None:
    error = outcomes[name]
    if error:
        raise error
