"""The server as a process and under parallel requests."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from loaders.settings import PROJECT_ROOT
from simulator.__main__ import main

from .conftest import Client


def test_the_command_serves_until_it_is_ended(tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "simulator", "serve", "--size", "60", "--sample"]
    arguments += ["--switch", "list_order=id_desc", "--token", "another"]
    arguments += ["--port-file", str(tmp_path / "port"), "--data-dir", str(tmp_path / "data")]
    process = subprocess.Popen(arguments, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        port = (tmp_path / "port").read_text().strip()
        assert line == f"listening on http://127.0.0.1:{port}/rest/"
        headers = {"Authorization": "Bearer another"}
        reply = requests.post(
            f"http://127.0.0.1:{port}/rest/contact/list", json={}, headers=headers, timeout=5
        )
        ids = [row["id"] for row in reply.json()["contacts"]]
        assert ids == sorted(ids, reverse=True)
        assert reply.headers["X-Riderra-Sample"] == "1"
        assert len((tmp_path / "data" / "truth.csv").read_text().splitlines()) == 61
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.parametrize("switch", ["colour=red", "list_order=up", "faults=gremlin:1"])
def test_a_wrong_switch_is_named(switch: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--size", "60", "--switch", switch]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_parallel_pages_equal_sequential_ones(simulate: Callable[..., Client]) -> None:
    client = simulate(size=1500)
    fields = "id,name,phones,companies,3101,3105"

    def page(offset: int) -> list[dict[str, object]]:
        reply = requests.post(
            client.server.base_url + "contact/list",
            json={"offset": offset, "fields": fields},
            headers=dict(client.session.headers),
            timeout=20,
        )
        return list(reply.json()["contacts"])

    with ThreadPoolExecutor(8) as pool:
        parallel = [row for rows in pool.map(page, range(0, 1600, 100)) for row in rows]
    assert parallel == client.contacts(fields=fields)
    assert client.server.control.most_at_once > 1


def test_only_a_sample_account_says_so(client: Client) -> None:
    assert "X-Riderra-Sample" not in client.get("ping").headers
    assert client.server.server_address[0] == "127.0.0.1"
