"""A simulator inside the test process, with a small client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from simulator.generator import generate
from simulator.model import Account
from simulator.server import Simulator


@dataclass
class Client:
    """Calls a simulator the way an extractor does."""

    server: Simulator
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.headers["Authorization"] = f"Bearer {self.server.token}"

    @property
    def account(self) -> Account:
        return self.server.control.account

    def post(self, path: str, body: dict[str, Any] | None = None, **options: Any) -> Any:
        options.setdefault("timeout", 20)
        return self.session.post(self.server.base_url + path, json=body or {}, **options)

    def get(self, path: str, **options: Any) -> Any:
        options.setdefault("timeout", 20)
        return self.session.get(self.server.base_url + path, **options)

    def act(self, name: str, /, **args: Any) -> dict[str, Any]:
        return self.server.control.act(name, args)

    def switch(self, **values: Any) -> None:
        self.act("switch", **values)

    def contacts(self, *filters: dict[str, Any], **body: Any) -> list[dict[str, Any]]:
        """All pages of a contact list."""
        rows: list[dict[str, Any]] = []
        while True:
            page = self.post(
                "contact/list", {"offset": len(rows), "filters": list(filters), **body}
            )
            assert page.status_code == 200, page.text
            found = page.json()["contacts"]
            rows += found
            if len(found) < 100:
                return rows

    def ids(self, *filters: dict[str, Any], **body: Any) -> set[int]:
        return {row["id"] for row in self.contacts(*filters, **body)}


def condition(kind: int, value: Any, operator: str = "equal", **more: Any) -> dict[str, Any]:
    return {"type": kind, "operator": operator, "value": value, **more}


@pytest.fixture
def simulate() -> Iterator[Callable[..., Client]]:
    running: list[Simulator] = []

    def build(size: int = 300, seed: int = 5, **switches: Any) -> Client:
        server = Simulator(generate(size, seed))
        server.start()
        running.append(server)
        client = Client(server)
        for name, value in switches.items():
            client.switch(**{name: value})
        return client

    yield build
    for server in running:
        server.stop()


@pytest.fixture
def client(simulate: Callable[..., Client]) -> Client:
    return simulate()
