"""One database for the whole folder, emptied before each test: half of the time is cloning it."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from bookai.db.embedded import EmbeddedPostgres
from tests.conftest import TEMPLATE, execute, on_database


@pytest.fixture(scope="session")
def one_database(server: EmbeddedPostgres) -> Iterator[str]:
    name = f"t_{uuid4().hex[:12]}"
    execute(server.dsn(), f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
    yield name
    execute(server.dsn(), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(server: EmbeddedPostgres, one_database: str) -> str:
    """Override: the folder's database, without tasks."""
    execute(on_database(server.dsn(), one_database), "TRUNCATE mcp_tasks")
    return one_database
