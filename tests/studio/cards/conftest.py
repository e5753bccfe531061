"""One database for the folder."""

from collections.abc import Iterator

import pytest

from bookai.db.embedded import EmbeddedPostgres
from tests.studio.web.conftest import emptied, shared_database


@pytest.fixture(scope="package")
def shared(server: EmbeddedPostgres) -> Iterator[str]:
    with shared_database(server) as name:
        yield name


@pytest.fixture
def database(server: EmbeddedPostgres, shared: str) -> str:
    return emptied(server, shared)
