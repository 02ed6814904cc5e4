"""A delta asks for the cards that changed alone, and makes what a full build would make."""

from __future__ import annotations

import json

from tests.pytest.e2e.conftest import Migration

BUILD = ("build", "--select", "staging", "intermediate.contacts")
WITHOUT_TESTS = ("--exclude-resource-type", "test", "unit_test")

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


def _build(migration: Migration, *arguments: str) -> dict[str, str]:
    """Returns dbt's word on each node: CARDS where only changed cards were asked for."""
    migration.commands.dbt(*BUILD, *arguments, check=True)
    target = migration.commands.folder / "target" / "run_results.json"
    return {
        result["unique_id"].split(".")[2]: result["adapter_response"].get("code", "")
        for result in json.loads(target.read_text(encoding="utf-8"))["results"]
    }


def _tables(migration: Migration) -> dict[str, list[tuple[object, ...]]]:
    names = migration.rows(
        "select tablename from pg_tables where schemaname = 'intermediate' order by 1"
    )
    return {
        str(name): migration.rows(
            f"select to_jsonb(made)::text from intermediate.{name} as made order by 1"
        )
        for (name,) in names
    }


def test_a_delta_makes_what_a_full_build_makes(migration: Migration) -> None:
    _build(migration, *WITHOUT_TESTS)
    before = _tables(migration)
    for statement in EDITS.values():
        migration.execute(statement)
    migration.commands.dlt("pipeline", "python_functions", "run", check=True)
    words = _build(migration, *WITHOUT_TESTS)
    assert "CARDS" in words.values()
    after = _tables(migration)
    assert sum(after[name] != before[name] for name in before) > 10

    _build(migration, *WITHOUT_TESTS, "--full-refresh")
    whole = _tables(migration)
    assert {name for name in whole if whole[name] != after[name]} == set()


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

    _build(migration, *WITHOUT_TESTS)
    for change, table in (
        ("update seeds.tag_mapping set target_tag = target_tag || '!'", "int_contact_tags__mapped"),
        ("update planfix_raw.contacts set fetched_at = fetched_at", "int_contacts__merged"),
        ("truncate migration.card_versions", "int_contact_tags__mapped"),
    ):
        migration.execute(change)
        regroup("Новая")
        assert _build(migration, *WITHOUT_TESTS)[table] != "CARDS", change
        regroup("Старая")
        assert _build(migration, *WITHOUT_TESTS)[table] == "CARDS", change
