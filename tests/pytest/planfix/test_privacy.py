"""Files are private and short-lived; errors and logs name no person and no token."""

from __future__ import annotations

import argparse
import os
import subprocess
from collections.abc import Callable

import psycopg
import pytest

from loaders import cli, pipelines
from loaders.errors import DatabaseError, ExtractPaused, SettingsError, SourceError
from loaders.planfix.command import PIPELINE
from tests.pytest.conftest import BIN, PROJECT
from tests.pytest.planfix.conftest import Account, Loader


def files(found: Loader) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in found.folder.rglob("*") if path.is_file()}


def test_after_a_run_nothing_of_the_account_is_left_on_disk(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server, found = account(120), loader()
    server.act("edit", ids=server.ids()[:1], set={"lastname": "Unmistakable"})
    found.run(server)
    for path, content in files(found).items():
        assert b"Unmistakable" not in content, path
        assert server.token.encode() not in content, path
        assert found.database.password.encode() not in content, path


def test_a_paused_run_keeps_its_pages_to_itself(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server, found = account(120), loader()
    with pytest.raises(ExtractPaused, match="run the same command again"):
        found.run(server, max_requests=20)
    for path in found.folder.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_failed_load_tells_nothing_about_rows(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server, found = account(120), loader()
    found.run(server)
    server.act("edit", ids=server.ids()[:1], set={"lastname": "Unmistakable"})
    with psycopg.connect(found.database.url(), autocommit=True) as link:
        link.execute(
            "alter table planfix_raw.contacts add constraint odd "
            "check (payload ->> 'lastname' is distinct from 'Unmistakable')"
        )
    with pytest.raises(DatabaseError) as error:
        found.run(server)
    assert "Unmistakable" not in str(error.value)
    assert "CheckViolation" in str(error.value)
    assert "Unmistakable" not in repr(error.value.__cause__)
    for path, content in files(found).items():
        if not path.endswith(".spool") and ".spool-" not in path:
            assert b"Unmistakable" not in content, path
    with psycopg.connect(found.database.url(), autocommit=True) as link:
        link.execute("alter table planfix_raw.contacts drop constraint odd")
    asked = len(server.log())
    found.run(server)
    assert len(server.log()) == asked
    assert found.rows(
        "select count(*) from planfix_raw.contacts where payload ->> 'lastname' = 'Unmistakable'"
    ) == [(1,)]


def test_sample_data_is_refused_by_any_other_database(
    account: Callable[..., Account],
    loader: Callable[[], Loader],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from loaders.planfix.raw import RawState

    server, found = account(120), loader()
    server.control.is_sample = True
    monkeypatch.setattr(RawState, "is_embedded", lambda self: False)
    with pytest.raises(SettingsError, match="sample data"):
        found.run(server)
    assert found.rows("select to_regnamespace('planfix_raw')") == [(None,)]


def test_one_run_at_a_time(
    account: Callable[..., Account],
    loader: Callable[[], Loader],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, found = account(120), loader()
    monkeypatch.setenv("RIDERRA_LOCAL_DIR", str(found.folder))
    with pipelines.exclusive("planfix"), pytest.raises(Exception, match="another"):
        found.run(server)


def dlt(
    found: Loader, server: Account, *arguments: str, **extra: str
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **found.values(server, **extra)}
    return subprocess.run(
        [str(BIN / "dlt"), "pipeline", *arguments],
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def verb(found: Loader, server: Account, *arguments: str, **extra: str) -> int:
    """Does what the command line does, in this process; returns the exit code."""
    parser = argparse.ArgumentParser()
    parser.set_defaults(operation="run", pipeline_name="planfix")
    PIPELINE.add_arguments(parser)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in found.values(server, **extra).items():
            patch.setenv(name, value)
        try:
            cli._guarded(parser.parse_args(arguments))
        except SystemExit as done:
            return int(done.code or 0)
    return 0


@pytest.mark.parametrize(
    ("extra", "switches", "arguments", "code", "message"),
    [
        ({"PLANFIX_TOKEN": "wrong"}, {}, (), 3, "PLANFIX_TOKEN"),
        ({"PLANFIX_TOKEN": ""}, {}, (), 2, "PLANFIX_TOKEN is not set"),
        ({"PLANFIX_BASE_URL": "http://127.0.0.1:1/rest/"}, {}, (), 3, "cannot reach Planfix"),
        ({"PLANFIX_BASE_URL": "http://planfix.example/rest/"}, {}, (), 2, "https://"),
        ({}, {"missing_scopes": "contact_readonly"}, (), 3, "scope"),
        ({}, {"missing_scopes": "datatag_readonly"}, (), 3, "PLANFIX_SKIP=data_tags"),
        ({}, {}, ("--since", "soon"), 2, "--since"),
        ({}, {}, ("--max-requests", "5"), 4, "run the same command again"),
        ({"DATABASE_URL": "postgresql://nobody:x@127.0.0.1:1/none"}, {}, (), 7, "cannot connect"),
        ({"PLANFIX_TIMEZONE": "Mars/Base"}, {}, (), 2, "PLANFIX_TIMEZONE"),
    ],
)
def test_what_goes_wrong_is_one_line_and_an_exit_code(
    extra: dict[str, str],
    switches: dict[str, str],
    arguments: tuple[str, ...],
    code: int,
    message: str,
    account: Callable[..., Account],
    loader: Callable[[], Loader],
    capsys: pytest.CaptureFixture[str],
) -> None:
    server, found = account(120, **switches), loader()
    assert verb(found, server, *arguments, **extra) == code
    out, err = capsys.readouterr()
    errors = [line for line in err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in err + out
    assert server.token not in err + out
    if code != 7:
        # nothing half-loaded is visible
        assert found.rows("select to_regclass('planfix_raw.contacts')") == [(None,)]


def test_the_command_line_as_the_user_meets_it(
    account: Callable[..., Account], loader: Callable[[], Loader]
) -> None:
    server = account(120)
    done = dlt(loader(), server, "amocrm", "run")
    assert done.returncode == SettingsError.exit_code
    assert "there is no pipeline amocrm" in done.stderr
    assert SourceError.exit_code != SettingsError.exit_code
    done = dlt(loader(), server, "planfix", "run", "--max-requests", "5")
    assert done.returncode == ExtractPaused.exit_code
    assert done.stderr.count("error:") == 1
    assert "Traceback" not in done.stderr + done.stdout
