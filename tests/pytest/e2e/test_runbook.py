"""The runbook, executed as it is written, on an account of the simulator."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from desk.store import Store
from tests.pytest.conftest import PROJECT, Commands
from tests.pytest.e2e.conftest import Finished, Migration

pytestmark = pytest.mark.e2e


@dataclass
class Step:
    """A command of the runbook.

    Attributes:
        section: heading it stands under.
        command: the command, without the prompt.
        expected: lines it prints, `…` for what differs.
    """

    section: str
    command: str
    expected: list[str] = field(default_factory=list)


def steps(name: str) -> list[Step]:
    """Returns the commands of a runbook in their order."""
    found: list[Step] = []
    section, inside = "", False
    for line in (PROJECT / "docs" / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif line.startswith("```"):
            inside = line == "```console"
        elif inside and line.startswith("$ "):
            found.append(Step(section, line[2:]))
        elif inside:
            found[-1].expected.append(line)
    return found


def run(step: Step, commands: Commands, **settings: str) -> None:
    """Runs a command in the project's environment and compares what it prints."""
    # archives go where the test's other files go
    command = step.command.replace(".local/", f"{commands.folder}/local/")
    done = commands.run(*shlex.split(command), **settings)
    told = done.stdout + done.stderr
    assert done.returncode == 0, f"{step.command}\n{told[-4000:]}"
    for line in step.expected:
        pattern = ".*".join(re.escape(part) for part in line.split("…"))
        assert re.search(pattern, told), f"{step.command}\nlacks: {line}\n{told[-4000:]}"


@pytest.fixture
def cutover(finished: Finished, tmp_path: Path) -> Iterator[Migration]:
    """A copy of the finished migration, with the extract's own files."""
    with finished.copied(tmp_path, DBT_DEBUG="false", RUNTIME__LOG_LEVEL="WARNING") as copy:
        yield copy


def test_both_languages_have_the_same_commands() -> None:
    english, russian = steps("runbook.md"), steps("runbook.ru.md")
    assert len(english) > 15
    assert [(step.command, step.expected) for step in english] == [
        (step.command, step.expected) for step in russian
    ]


def judge_the_sample(migration: Migration) -> None:
    """The managers' part: a verdict on every drawn client, at the desk."""
    store = Store(migration.database)
    for sample in store.samples():
        if sample["verdict"] != "correct":
            key = str(sample["sample_key"])
            seen = store.sample(key)["latest_verdict_id"]
            store.judge(key, "correct", "", seen, "anna")


@pytest.mark.timeout(3000)
def test_the_day_goes_back_and_forward_as_written(cutover: Migration) -> None:
    """One database for all of it: a build costs minutes of this suite's budget."""
    day = [step for step in steps("runbook.md") if step.section != "Going back"]
    going_back = [step for step in steps("runbook.md") if step.section == "Going back"]
    before = cutover.rows("select id from riderra.customers order by id")

    # nothing is signed before the day is done
    signing = next(step for step in day if "sign_off" in step.command)
    refused = cutover.commands.run(*shlex.split(signing.command))
    assert refused.returncode != 0
    assert "qa_sample" in refused.stdout
    assert "freeze" in refused.stdout
    assert cutover.value("select count(*) from migration.sign_offs") == 0

    # back: what people changed in the CRM since stays, and is listed
    with psycopg.connect(cutover.database.url(), autocommit=True) as link:
        kept = link.execute(
            "update riderra.customers set city = 'Edited in the CRM', updated_at = now() "
            "where id = (select min(id::text)::uuid from riderra.customers where kind = 'person') "
            "returning id"
        ).fetchone()
    assert kept
    for step in going_back:
        run(step, cutover.commands)
    left = cutover.rows("select id from riderra.customers")
    assert kept[0] in {row[0] for row in left}
    assert len(left) < len(before) / 2
    assert cutover.value("select count(*) from migration.rollback_leftovers") > 0

    # and forward, the day as written
    for step in day:
        if step.section.startswith("5."):
            judge_the_sample(cutover)
        # tests of the rehearsal are those of the day itself, and other tests run the unit tests
        left_out = "unit_test test" if step.section.startswith("1.") else "unit_test"
        run(step, cutover.commands, DBT_EXCLUDE_RESOURCE_TYPES=left_out)
    assert cutover.value("select count(*) from migration.sign_offs") == 1
    # with the ids they had
    assert cutover.rows("select id from riderra.customers order by id") == before
    assert cutover.rows("select city from riderra.customers where id = %s", kept[0]) == [
        ("Edited in the CRM",)
    ]
