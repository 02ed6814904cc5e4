"""Custom fields renamed, added, retyped or removed at the source; two fields with one label."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.pytest.planfix.conftest import Account, Loader
from tests.pytest.planfix.truth import assert_true


def changes(found: Loader) -> set[tuple[Any, ...]]:
    return set(
        found.rows(
            "select field_id, change, before, after from planfix_raw.schema_changes "
            "where object_type = 1"
        )
    )


def test_changes_between_runs_are_noted_and_mix_nothing(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(160)
    found = loader()
    found.run(server)
    assert changes(found) == set()
    server.act("field", change="rename", id=3105, name="Населённый пункт")
    server.act("field", change="add", id=3999, name="Город", type=0)
    server.act("field", change="retype", id=3113, type=0)
    server.act("field", change="remove", id=3116)
    ids = server.ids()
    # a silent write moves no change date: only the new field itself leads to it
    server.switch(silent_touches_contact="no")
    server.act("edit", ids=ids[:2], set={"3999": "Sample City"}, silent=True)
    found.run(server)
    noted = changes(found)
    assert (3105, "renamed", "Город", "Населённый пункт") in noted
    assert (3999, "added", None, "Город") in noted
    assert (3116, "removed", "Любимый цвет", None) in noted
    assert any(change[:2] == (3113, "retyped") for change in noted)
    values = found.rows(
        "select id, custom_fields -> '3999' ->> 'value' from planfix_raw.contacts "
        "where custom_fields ? '3999' order by id"
    )
    assert values == [(number, "Sample City") for number in ids[:2]]
    found.run(server)
    assert changes(found) == noted


@pytest.mark.parametrize("reaction", ["honoured", "ignored", "refused", "fail_200"])
def test_a_new_field_arrives_whatever_the_filter_for_its_values_does(
    reaction: str, account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(220, filter_has_value=reaction, silent_touches_contact="no")
    found = loader()
    found.run(server)
    for number in (3998, 3999):
        server.act("field", change="add", id=number, name="Новое", type=0)
    ids = server.ids()
    # no change date moves: only the field leads to these cards
    server.act("edit", ids=ids[3:150:9], set={"3998": "one"}, silent=True)
    server.act("edit", ids=ids[::50], set={"3999": "two"}, silent=True)
    server.act("clear_log")
    found.run(server)
    assert_true(server, found)
    modes = found.rows("select mode from planfix_raw.extract_runs order by started_at desc limit 1")
    assert modes == [("delta",)]
    whole = [e for e in server.log("contact/list") if "4152" not in str(e["body"])]
    if reaction in {"refused", "fail_200"}:
        # the whole list once, not once for each field
        pages = [e for e in whole if '"fields":"id,name' in str(e["body"]).replace(" ", "")]
        questions = [str(e["body"]) for e in pages]
        assert len(questions) == len(set(questions))


def test_fields_of_one_label_stay_two(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(200)
    found = loader()
    ids = server.ids()
    server.act("edit", ids=ids[:1], set={"3111": "first", "3112": "second"})
    found.run(server)
    assert found.rows(
        "select custom_fields -> '3111' ->> 'value', custom_fields -> '3112' ->> 'value', "
        "custom_fields -> '3111' ->> 'name' = custom_fields -> '3112' ->> 'name' "
        f"from planfix_raw.contacts where id = {ids[0]}"
    ) == [("first", "second", True)]


def test_odd_text_arrives_as_it_is(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(120)
    ids = server.ids()
    text = 'a "quoted", text;\n with \\ and , lines\t\U0001f600 and \x00 a NUL'
    server.act("edit", ids=ids[:1], set={"position": text, "address": ""})
    found = loader()
    found.run(server)
    assert found.rows(
        f"select payload ->> 'position' from planfix_raw.contacts where id = {ids[0]}"
    ) == [(text.replace("\x00", "\ufffd"),)]


def test_payload_is_the_whole_object_without_custom_fields(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(120)
    found = loader()
    found.run(server)
    assert found.rows(
        "select count(*) filter (where payload ? 'customFieldData'), "
        "count(*) filter (where jsonb_typeof(custom_fields) != 'object'), "
        "count(*) filter (where jsonb_typeof(payload) != 'object'), "
        "count(*) filter (where (payload ->> 'isCompany')::boolean != is_company) "
        "from planfix_raw.contacts"
    ) == [(0, 0, 0, 0)]
    types = dict(
        found.rows(
            "select column_name, data_type from information_schema.columns "
            "where table_schema = 'planfix_raw' and table_name = 'contacts'"
        )
    )
    assert types["payload"] == types["custom_fields"] == "jsonb"
    assert types["fetched_at"] == "timestamp with time zone"
    assert types["id"] == "bigint"
