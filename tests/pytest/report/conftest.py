"""A database with the columns the report reads, filled with invented counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from loaders import settings
from tests.pytest.chromium import browser, running_browser
from tests.pytest.conftest import create_database, drop_database

__all__ = ["browser", "running_browser"]


@pytest.fixture(scope="module")
def built(postgres_server: settings.DatabaseSettings) -> Iterator[settings.DatabaseSettings]:
    """The finished database; read it only."""
    found = create_database(postgres_server)
    statements = (Path(__file__).parent / "finished.pgsql").read_text(encoding="utf-8")
    with psycopg.connect(found.url(), autocommit=True) as link:
        link.execute(statements.encode())
    yield found
    drop_database(found)
