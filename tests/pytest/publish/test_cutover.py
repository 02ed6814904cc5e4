"""From the freeze to the sign-off: each operation refuses until its conditions hold."""

from __future__ import annotations

import fcntl
import json
from typing import Any

from tests.pytest.publish.conftest import Published
from tests.pytest.publish.test_edits import customer


def operate(crm: Published, operation: str, **arguments: Any) -> Any:
    """Runs an operation."""
    return crm.commands.dbt("run-operation", operation, "--args", json.dumps(arguments))


def test_the_way_to_the_sign_off(published: Published) -> None:
    refused = operate(published, "sign_off", signed_by="Owner")
    assert refused.returncode != 0
    for line in (
        "qa_sample: 0 of 3 correct, 0 wrong, 0 unsure, 3 waiting",
        "freeze: no freeze is declared",
        "final_delta: waits for the freeze",
    ):
        assert line in refused.stdout
    assert "publish:" not in refused.stdout

    published.execute(
        "insert into migration.qa_verdicts (sample_key, customer_id, verdict, given_by)"
        " select sample_key, customer_id, 'correct', 'tester' from quality.qa_sample"
    )
    frozen = operate(
        published, "declare_freeze", declared_by="Owner", started_at="2026-02-01 00:00+00"
    )
    assert frozen.returncode == 0, frozen.stdout
    early = operate(published, "freeze_check")
    assert "nothing was extracted since the freeze began" in early.stdout

    # the final delta still finds changes
    published.execute("update staging.stg_planfix__extract_runs set started_at = '2026-02-02'")
    published.execute(
        "update intermediate.int_contacts__normalized set source_updated_at = '2026-02-01 10:00+00'"
        " where planfix_id = 7"
    )
    published.execute(
        "insert into staging.stg_planfix__contact_comments values (8, '2026-02-01 11:00+00', false)"
    )
    published.execute(
        "insert into staging.stg_planfix__id_sweep_runs values"
        " ('before', '2026-01-31', true), ('after', '2026-02-02', true)"
    )
    published.execute("insert into staging.stg_planfix__id_sweeps values ('before', 9)")
    published.execute(
        "update intermediate.int_contacts__normalized set is_deleted = true"
        " where planfix_id in (9, 10)"
    )
    listed = operate(published, "freeze_check")
    assert listed.returncode == 0, listed.stdout
    for line in (
        "planfix 7: edited 2026-02-01 10:00 UTC",
        "planfix 8: note 2026-02-01 11:00 UTC",
        "planfix 9: deleted",
        "3 changes in Planfix since the freeze began",
    ):
        assert line in listed.stdout
    refused = operate(published, "sign_off", signed_by="Owner")
    assert "freeze_check: 3 changes in Planfix" in refused.stdout
    assert published.value("select count(*) from migration.sign_offs") == 0

    # a new freeze, an extract after it, nothing changed since
    operate(published, "declare_freeze", declared_by="Owner", started_at="2026-02-03 00:00+00")
    published.execute("update staging.stg_planfix__extract_runs set started_at = '2026-02-04'")
    published.execute("delete from staging.stg_planfix__id_sweep_runs")
    signed = operate(published, "sign_off", signed_by="Owner", comment="it's done")
    assert signed.returncode == 0, signed.stdout
    assert published.rows(
        "select signed_by, comment, run_id = (select run_id from migration.runs),"
        " acceptance -> 0 ->> 'criterion', qa_result ->> 'correct' from migration.sign_offs"
    ) == [("Owner", "it's done", True, "valid_contacts_in_target", "3")]

    refused = operate(published, "rollback", run_id="all")
    assert "the Owner has signed this off" in refused.stdout
    printed = operate(published, "cutover_checklist")
    assert "[x] 9. sign_off: signed off" in printed.stdout
    assert "[ ] 10. archive: no archive of the extract -> python -m loaders.archive" in (
        printed.stdout
    )


def test_waivers_are_for_gates_there_are(published: Published) -> None:
    refused = operate(
        published,
        "grant_waiver",
        gate="nothing",
        reason="x",
        granted_by="y",
        valid_until="2030-01-01",
    )
    assert "there is no gate nothing. Gates: valid_contacts_in_target." in refused.stdout
    granted = operate(
        published,
        "grant_waiver",
        gate="valid_contacts_in_target",
        reason="a week's grace",
        granted_by="Owner",
        valid_until="2030-01-01",
        limit_value=0.5,
    )
    assert granted.returncode == 0, granted.stdout
    assert published.rows(
        "select gate, limit_value::float, reason, granted_by, valid_until > now()"
        " from migration.waivers"
    ) == [("valid_contacts_in_target", 0.5, "a week's grace", "Owner", True)]


def test_every_live_row_says_where_it_comes_from(published: Published) -> None:
    published.execute(
        "insert into riderra.customer_contacts (customer_id, channel, value)"
        f" values ({customer(11)}, 'vk', 'x')"
    )
    assert published.rows(
        "select planfix_id, is_deciding, match_rule, row_rule, raw_table, raw_load_id, operator,"
        " run_id = (select run_id from migration.runs), written_by"
        " from publish.publish_trace_live_rows"
        f" where table_name = 'customer_contacts' and customer_id = {customer(11)}"
        " order by written_by, row_id"
    ) == [
        (11, False, "only_record", None, "planfix_raw.contacts", "1700000000.1", None, None, "crm"),
        (
            11,
            True,
            "only_record",
            "newest",
            "planfix_raw.contacts",
            "1700000000.1",
            "tester",
            True,
            "migration",
        ),
    ]
    assert published.rows(
        "select table_name, count(*) from publish.publish_trace_source_records"
        " where planfix_id = 11 group by 1 order by 1"
    ) == [
        ("customer_contacts", 2),
        ("customer_external_links", 1),
        ("customer_notes", 2),
        ("customers", 1),
    ]
    assert (
        published.value(
            "select count(*) from publish.publish_trace_live_rows"
            " where written_by = 'migration' and (run_id is null or not is_deciding)"
        )
        == 0
    )


def test_purge_leaves_keys_and_counts(published: Published) -> None:
    published.execute(
        "insert into planfix_raw.contacts (_dlt_load_id, _dlt_id, id, is_company, payload,"
        " custom_fields) select '1', n::text, n, false, jsonb_build_object('name', 'Ivanova'),"
        ' \'{"3101": "Ivanova"}\' from generate_series(1, 50) as n'
    )
    published.execute(
        "insert into planfix_csv_raw.export_rows (_dlt_load_id, _dlt_id, file_sha256, line_number,"
        " \"row\") values ('1', 'a', 'abc', 2, '{\"name\": \"Ivanova\"}')"
    )
    published.execute(
        "insert into planfix_csv_raw.rejected_lines (_dlt_load_id, _dlt_id, file_sha256,"
        " line_number, reason_code, raw_line) values ('1', 'a', 'abc', 3, 'cut', 'Ivanova')"
    )
    published.execute(
        "insert into python_functions.parse_email_results (args_hash, result)"
        " values (gen_random_uuid(), '\"Ivanova\"')"
    )
    published.execute(
        "create table quality.quarantine as select 1 as planfix_id, 'empty' as reason_code,"
        " 'Ivanova' as raw_value"
    )
    published.execute("alter table quality.quarantine alter column raw_value set not null")
    published.execute("create view staging.stg_planfix__contacts as table planfix_raw.contacts")
    published.execute('update publish.publish_plan set after_values = \'{"name": "Ivanova"}\'')
    refused = operate(published, "purge_raw", purged_by="tester")
    assert "not signed off -> the Owner" in refused.stdout
    published.execute(
        "insert into migration.sign_offs (run_id, signed_by, acceptance, qa_result)"
        " select run_id, 'Owner', '[]', '{}' from migration.runs"
    )
    refused = operate(published, "purge_raw", purged_by="tester")
    assert "no archive of the extract -> python -m loaders.archive" in refused.stdout
    published.execute(
        "insert into migration.archives (archive_name, manifest_sha256, tables, total_rows,"
        " latest_fetched_at, created_by) values ('a', 'b', 1, 50, now(), 'tester')"
    )
    live = published.live()
    # an extract that never came to its end
    files = published.commands.folder / "local" / "dlt"
    (files / "spool").mkdir(parents=True)
    (files / "spool" / "planfix.spool").write_text("Ivanova", encoding="utf-8")
    with (files / "planfix.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = operate(published, "purge_raw", purged_by="tester")
        assert "`dlt pipeline planfix run` is at work" in refused.stdout
    done = operate(published, "purge_raw", purged_by="tester")
    assert [path.name for path in files.rglob("*")] == ["planfix.lock"]
    assert done.returncode == 0, done.stdout
    for schema, table in published.rows(
        "select nspname, relname from pg_class join pg_namespace on pg_namespace.oid = relnamespace"
        " where relkind = 'r' and nspname not in ('pg_catalog', 'information_schema', 'riderra')"
    ):
        if schema != "migration":
            text = str(published.content_text(schema, table))
            assert "Ivanova" not in text, f"{schema}.{table}"
            assert "Note text" not in text, f"{schema}.{table}"
    assert published.live() == live
    assert published.rows(
        "select count(*), min(id), max(payload::text) from staging.stg_planfix__contacts"
    ) == [(50, 1, "{}")]
    assert published.rows("select planfix_id, reason_code, raw_value from quality.quarantine") == [
        (1, "empty", None)
    ]
    counts = published.value("select counts from migration.purges")
    assert counts["planfix_raw.contacts"] == 50
    assert counts["ready.customers"] == 40
    assert published.value("select count(*) from publish.publish_plan") > 0
    # nobody builds the CRM from emptied rows
    refused = published.publish()
    assert refused.returncode != 0
    assert "the raw data was purged on" in refused.stdout
