"""A delta asks for the cards and clients that changed, and makes what a full build would make."""

from __future__ import annotations

import json

import psycopg

from tests.pytest.e2e.conftest import Migration

BUILD = ("build", "--exclude-resource-type", "test", "unit_test")
# all up to the plan: what it is made of is the same in the next build
UP_TO_THE_PLAN = (*BUILD, "--exclude", "config.materialized:publish")
NOTES = (*BUILD, "--select", "+customer_notes")
CONTACTS = (*BUILD, "--select", "staging", "intermediate.contacts")
# they name the run
OF_THE_RUN = ("plan_id", "run_id", "planned_at", "last_batch_id")

# each touches other cards than those whose numbers it names, or takes some away
EDITS = {
    "a phone and a text": """
        update planfix_raw.contacts set payload = payload || jsonb_build_object(
            'description', 'changed <b>here</b>',
            'phones', '[{"type": 1, "number": "+7 999 123 45 67"}]'::jsonb
        )
        where id in (select id from planfix_raw.contacts where not is_company order by id limit 3)
    """,
    "a name": """
        update planfix_raw.contacts set payload = payload || '{"lastname": "Переименованный"}'
        where id = (select max(id) from planfix_raw.contacts where not is_company)
    """,
    "kinds of two phones that changed places": """
        update planfix_raw.contacts set payload = jsonb_set(
            jsonb_set(payload, '{phones, 0, type}', payload #> '{phones, 1, type}'),
            '{phones, 1, type}', payload #> '{phones, 0, type}'
        )
        where id in (
            select id from planfix_raw.contacts
            where
                payload #>> '{phones, 0, type}' <> payload #>> '{phones, 1, type}'
                and not is_company
            order by id desc limit 5
        )
    """,
    "a company's country, in which phones of its people are read": """
        update planfix_raw.contacts as company
        set custom_fields = custom_fields || jsonb_build_object(mapped.id, jsonb_build_object(
            'name', 'Страна', 'type', 1, 'value', 'Германия', 'stringValue', 'Германия'
        ))
        from (
            select custom_field_id::text as id from seeds.custom_field_mapping
            where object_type = 'contact' and target = 'country' limit 1
        ) as mapped
        where company.id in (
            select company_planfix_id from intermediate.int_contact_companies__resolved limit 2
        )
    """,
    "a company's name": """
        update planfix_raw.contacts set payload = payload || '{"name": "ООО Другая"}'
        where id = (
            select max(company_planfix_id) from intermediate.int_contact_companies__resolved
        )
    """,
    "a comment, one less, and one that is another card's now": """
        update planfix_raw.contact_comments
        set payload = payload || '{"description": "said <i>otherwise</i>"}'
        where id = (select min(id) from planfix_raw.contact_comments);
        delete from planfix_raw.contact_comments
        where id = (select max(id) from planfix_raw.contact_comments);
        update planfix_raw.contact_comments
        set contact_id = (select min(id) from planfix_raw.contacts)
        where id = (select max(id) from planfix_raw.contact_comments)
    """,
    "a card less": """
        delete from planfix_raw.contacts
        where id = (select min(planfix_id) from intermediate.int_contact_consents__normalized)
    """,
    "a load that is no longer finished": """
        update planfix_raw.contacts set _dlt_load_id = 'unfinished'
        where id = (select max(planfix_id) from intermediate.int_contact_tags__mapped)
    """,
}


# what people did in the CRM meanwhile
CRM_EDITS = {
    "a name": """
        update riderra.customers set display_name = display_name || ' (VIP)'
        where id in (select id from riderra.customers order by id limit 3)
    """,
    "notes and tags less": """
        delete from riderra.customer_notes
        where id in (select id from riderra.customer_notes order by id limit 2);
        delete from riderra.customer_tags
        where ctid in (select ctid from riderra.customer_tags order by customer_id limit 2)
    """,
    "a phone that is another client's now": """
        update riderra.customer_contacts
        set
            customer_id = (select id from riderra.customers order by id desc limit 1),
            is_primary = false
        where id = (select id from riderra.customer_contacts order by id limit 1)
    """,
    "another primary phone": """
        update riderra.customer_contacts set is_primary = false
        where id = (
            select id from riderra.customer_contacts where is_primary order by id desc limit 1
        )
    """,
    "an address of its own": """
        insert into riderra.customer_contacts
            (id, customer_id, channel, value, extension, label, is_primary, created_at, updated_at)
        select gen_random_uuid(), id, 'telegram', 'of_the_crm', '', 'other', false, now(), now()
        from riderra.customers order by id limit 1
    """,
    # by hand in the baseline: these are the CRM's own now
    "what was published less": """
        delete from migration.published_rows
        where row_id in (select id from riderra.customer_notes order by id desc limit 3)
    """,
}

# what points at such a client is looked for everywhere: before the first look
A_CLIENT_LESS = """
        do $$
        declare
            gone uuid := (
                select id from riderra.customers
                where kind = 'person' and status = 'active' order by id limit 1 offset 5
            );
        begin
            delete from riderra.customer_contacts where customer_id = gone;
            delete from riderra.customer_tags where customer_id = gone;
            delete from riderra.customer_notes where customer_id = gone;
            delete from riderra.customer_consents where customer_id = gone;
            delete from riderra.customer_external_links where customer_id = gone;
            delete from riderra.customers where id = gone;
        end
        $$
"""


def _codes(migration: Migration, *arguments: str) -> dict[str, str]:
    """Returns dbt's word on each node: CARDS where only what changed was asked for."""
    migration.commands.dbt(*arguments, check=True)
    target = migration.commands.folder / "target" / "run_results.json"
    return {
        result["unique_id"].split(".")[2]: result["adapter_response"].get("code", "")
        for result in json.loads(target.read_text(encoding="utf-8"))["results"]
    }


def _tables(migration: Migration) -> dict[str, list[tuple[object, ...]]]:
    names = migration.rows(
        "select schemaname, tablename from pg_tables "
        "where schemaname in ('intermediate', 'ready', 'quality', 'publish') order by 1, 2"
    )
    return {
        f"{schema}.{name}": migration.rows(
            f"select (to_jsonb(made) - %s::text[])::text from {schema}.{name} as made order by 1",
            list(OF_THE_RUN),
        )
        for schema, name in names
    }


def _describe(migration: Migration, text: str, count: int) -> None:
    migration.execute(
        "update planfix_raw.contacts set payload = payload || "
        "jsonb_build_object('description', %s::text) where id in "
        "(select planfix_id from intermediate.int_customers__members order by 1 limit %s)",
        text,
        count,
    )


def _planned(migration: Migration, action: str) -> object:
    return migration.value(
        "select count(*) from publish.publish_plan where table_name = 'customer_notes' "
        "and action = %s",
        action,
    )


def test_a_delta_makes_what_a_full_build_makes(migration: Migration) -> None:
    migration.execute(A_CLIENT_LESS)
    _describe(migration, "taken back again", 5)
    # the first look at what the migration wrote finds all of it changed
    _codes(migration, *BUILD)
    before = _tables(migration)
    for statement in (*EDITS.values(), *CRM_EDITS.values()):
        migration.execute(statement)
    # which takes rows from the CRM and the baseline at once
    last_run = migration.value("select run_id from migration.runs order by started_at desc limit 1")
    rollback = ("run-operation", "rollback", "--args", json.dumps({"run_id": last_run}))
    migration.commands.dbt(*rollback, check=True)
    migration.commands.dlt("pipeline", "python_functions", "run", check=True)
    words = _codes(migration, *UP_TO_THE_PLAN)
    for name in (
        "int_match_names__parsed",
        "int_match_identifiers__collected",
        "int_customers__golden",
        "customers",
        "customer_notes",
        "reconciliation_records",
    ):
        assert words[name] == "CARDS", name
    assert words["publish_comparison"] == "CARDS"
    assert _planned(migration, "insert")
    assert _planned(migration, "adopt") == 3
    after = _tables(migration)
    assert sum(after[name] != before[name] for name in before) > 40

    _codes(migration, *UP_TO_THE_PLAN, "--full-refresh")
    whole = _tables(migration)
    assert {name for name in whole if whole[name] != after[name]} == set()


def test_a_row_changed_by_hand_is_made_anew_where_rows_are_replaced(migration: Migration) -> None:
    def build() -> str:
        return _codes(migration, *NOTES)["customer_notes"]

    build()
    _describe(migration, "changed once", 1)
    assert build() == "CARDS"
    before = migration.rows("select id, body from ready.customer_notes order by id")

    migration.execute(
        "update ready.customer_notes set body = 'by hand' "
        "where id = (select min(id::text)::uuid from ready.customer_notes)"
    )
    assert build() != "CARDS"
    assert migration.rows("select id, body from ready.customer_notes order by id") == before

    # holes are not left for good: rows that are replaced often make a table anew
    words = []
    while len(words) < 6 and "INSERT" not in words[1:]:
        _describe(migration, f"changed {len(words)} times more", 50)
        words.append(build())
    assert words[0] == "CARDS"
    assert words[-1] == "INSERT"


def test_a_card_that_stands_there_twice_now_is_found(migration: Migration) -> None:
    migration.commands.dbt("build", "--select", "staging", check=True)
    migration.execute(
        "insert into planfix_raw.contacts select (jsonb_populate_record("
        'contacts, \'{"_dlt_id": "twice"}\')).* from planfix_raw.contacts '
        "where id = (select max(planfix_id) from staging.stg_planfix__contact_phones)"
    )
    for _ in range(2):
        done = migration.commands.dbt("build", "--select", "staging")
        assert done.returncode != 0
        assert "FAIL 1 stg_planfix__contact_phones_has_one_row_per_key" in done.stdout


def test_where_more_than_cards_changed_all_are_asked_for(migration: Migration) -> None:
    def regroup(name: str) -> None:
        migration.execute(
            "update planfix_raw.contacts set payload = payload || "
            "jsonb_build_object('group', jsonb_build_object('name', %s::text)) "
            "where id = (select max(id) from planfix_raw.contacts)",
            name,
        )

    def indexes() -> list[tuple[object, ...]]:
        return migration.rows(
            "select indexdef from pg_indexes where schemaname = 'planfix_raw' "
            "and tablename = 'contacts' and indexdef like '%%(id)'"
        )

    _codes(migration, *CONTACTS)
    # an extract that is writing holds up the index on raw cards, and not the build
    with psycopg.connect(migration.database.url()) as extract:
        extract.execute("lock table planfix_raw.contacts in row exclusive mode")
        regroup("Первая")
        assert _codes(migration, *CONTACTS)["int_contact_tags__mapped"] == "CARDS"
        assert indexes() == []
    for change, table in (
        ("update seeds.tag_mapping set target_tag = target_tag || '!'", "int_contact_tags__mapped"),
        ("update planfix_raw.contacts set fetched_at = fetched_at", "int_contacts__merged"),
        ("truncate migration.card_versions", "int_contact_tags__mapped"),
    ):
        migration.execute(change)
        regroup("Новая")
        assert _codes(migration, *CONTACTS)[table] != "CARDS", change
        regroup("Старая")
        assert _codes(migration, *CONTACTS)[table] == "CARDS", change
    assert len(indexes()) == 1
