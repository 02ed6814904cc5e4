"""One database with the matching models, built once per pytest process."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from benchmarks import matching_inputs
from loaders import settings
from tests.pytest.conftest import create_database, drop_database
from tests.pytest.matching.harness import Models


@pytest.fixture(scope="session")
def built_models(
    postgres_server: settings.DatabaseSettings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Models]:
    """The models on empty inputs."""
    found = create_database(postgres_server)
    with psycopg.connect(found.url(), autocommit=True) as link:
        matching_inputs.prepare(link)
    models = Models.build(found.url(), tmp_path_factory.mktemp("matching", numbered=True))
    yield models
    models.link.close()
    drop_database(found)


@pytest.fixture
def models(built_models: Models) -> Models:
    """The models without any state."""
    built_models.forget()
    return built_models
