"""Taking runs back: before-images return, what the CRM changed since is left and listed."""

from __future__ import annotations

from typing import Any

from tests.pytest.publish.conftest import TABLES, Published
from tests.pytest.publish.test_edits import customer, merge


def rollback(crm: Published, **arguments: Any) -> Any:
    """Runs the operation."""
    given = ", ".join(f"{key}: {value}" for key, value in arguments.items())
    return crm.commands.dbt("run-operation", "rollback", "--args", f"{{{given}}}")


def images(crm: Published) -> dict[str, list[tuple[Any, ...]]]:
    """Returns every column of the live rows and of the baseline."""
    found = {table: crm.content("riderra", table) for table in TABLES}
    found["baseline"] = crm.content("migration", "published_rows")
    found["identity"] = crm.content("migration", "customer_identity")
    return found


def test_a_run_is_taken_back_to_the_last_column(published: Published) -> None:
    before = images(published)
    published.execute("update ready.customers set city = 'Tver'")
    published.execute(
        "update ready.customer_contacts set is_primary = not is_primary"
        f" where customer_id = {customer(15)} and channel = 'phone'"
    )
    published.execute(f"delete from ready.customer_tags where customer_id = {customer(12)}")
    published.execute(f"delete from ready.customer_notes where customer_id = {customer(12)}")
    merge(published, 22, 21)
    published.execute(
        "insert into ready.customers select (jsonb_populate_record(customers, jsonb_build_object("
        f"'id', {customer('new')}, 'display_name', 'New'))).* from ready.customers"
        f" where id = {customer(21)}"
    )
    published.execute(
        "insert into ready.customer_tags (customer_id, tag, kind)"
        f" values ({customer('new')}, 'n', 'tag')"
    )
    # a row of the CRM that the run takes over, and one that both sides have lost
    published.execute(
        "insert into riderra.customer_tags (customer_id, tag, kind)"
        f" values ({customer(11)}, 'n', 'tag')"
    )
    published.execute(
        "insert into ready.customer_tags (customer_id, tag, kind)"
        f" values ({customer(11)}, 'n', 'tag')"
    )
    adopted = images(published)["customer_tags"]
    published.publish(check=True)
    run_id = published.value("select run_id from migration.runs order by started_at desc limit 1")
    assert images(published) != before
    done = rollback(published, run_id=run_id)
    assert done.returncode == 0, done.stdout
    assert "0 rows left as the CRM has them" in done.stdout
    after = images(published)
    assert after.pop("customer_tags") == adopted
    before.pop("customer_tags")
    assert after == before
    assert published.rows(
        "select kind, status, operator from migration.runs order by started_at desc limit 1"
    ) == [("rollback", "done", "tester")]
    # again: nothing left to do
    again = rollback(published, run_id=run_id)
    assert "0 new rows removed, 0 changed rows restored, 0 deleted rows returned" in again.stdout
    assert images(published).items() >= after.items()
    # and the next build does it all once more
    published.publish(check=True)
    assert published.rows(
        "select distinct city from riderra.customers where status = 'active'"
    ) == [("Tver",)]
    # no way back once the before-images are purged
    published.execute("update migration.row_changes set before_values = null")
    refused = rollback(published, run_id="all")
    assert refused.returncode != 0
    assert "the before-images of run all were purged" in refused.stdout
    refused = rollback(published, run_id="nobody")
    assert refused.returncode != 0
    assert "no run nobody has published anything. Latest runs: " in refused.stdout


def test_everything_is_taken_back_but_what_the_crm_worked_on(published: Published) -> None:
    published.execute("update ready.customers set city = 'Tver'")
    published.publish(check=True)
    published.execute(f"update riderra.customers set city = 'Omsk' where id = {customer(11)}")
    published.execute(
        "insert into riderra.customer_contacts (customer_id, channel, value)"
        f" values ({customer(12)}, 'vk', 'x')"
    )
    published.execute("create table public.orders (customer_id uuid references riderra.customers)")
    published.execute(f"insert into public.orders values ({customer(13)})")
    done = rollback(published, run_id="all")
    assert done.returncode == 0, done.stdout
    left = published.rows("select id, display_name, city from riderra.customers order by 2")
    # three customers that the CRM works with, and the companies of those who have one
    names = [row[1] for row in left]
    assert {"Name 11", "Name 12", "Name 13"} <= set(names)
    assert len(names) <= 5
    assert {row[1]: row[2] for row in left}["Name 11"] == "Omsk"
    assert published.rows(
        "select count(*) from riderra.customer_notes"
        f" where customer_id in ({customer(11)}, {customer(12)}, {customer(13)})"
        " group by customer_id"
    ) == [(2,), (2,), (2,)]
    reasons = dict(
        published.rows(
            "select reason, count(*) from migration.rollback_leftovers group by 1 order by 1"
        )
    )
    assert reasons["referred_to_in_crm"] == 1
    assert set(reasons) <= {
        "changed_by_later_run",
        "customer_in_use",
        "edited_in_crm",
        "referred_to_in_crm",
    }
