"""A real Postgres for every test that asks: one server, one migrated template, cloned per test."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql

from bookai.db.embedded import EmbeddedPostgres
from bookai.db.migrate import migrate
from bookai.db.pool import Pool, open_pool
from bookai.house import migrations_dir

# How quick a draw is says more of the machine's other work than of ours.
settings.register_profile("studio", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("studio")

TEMPLATE = "bookai_template"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the operator's own studio, database or model server.

    BOOKAI_PG_BINDIR stays, so that all tests can be run on another PostgreSQL.
    """
    for name in set(os.environ) - {"BOOKAI_PG_BINDIR"}:
        if name.startswith(("BOOKAI_", "PG")) or name == "OLLAMA_HOST":
            monkeypatch.delenv(name)
    monkeypatch.setenv("BOOKAI_HOME", str(tmp_path / "home"))


def on_database(dsn: str, name: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedPostgres]:
    """The embedded server, in a folder with a short path that an unprivileged user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="bkt-"))
    postgres = EmbeddedPostgres(folder / "pg")
    folder.chmod(0o711)
    postgres.start()
    try:
        # Nothing here outlives the session, so nothing has to survive a power cut.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            execute(postgres.dsn(), f"ALTER SYSTEM SET {setting} = off")
        execute(postgres.dsn(), "SELECT pg_reload_conf()")
        execute(postgres.dsn(), f"CREATE DATABASE {TEMPLATE}")
        template = on_database(postgres.dsn(), TEMPLATE)
        asyncio.run(migrate(template, migrations_dir(), postgres.role_passwords()))
        yield postgres
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def execute(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as con:
        con.execute(sql.SQL(statement))


@pytest.fixture
def database(server: EmbeddedPostgres) -> Iterator[str]:
    """The name of a fresh migrated database, dropped afterwards."""
    name = f"t_{uuid4().hex[:12]}"
    # Without fsync, copying the files takes a third of the time of writing them to the log.
    execute(server.dsn(), f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
    yield name
    execute(server.dsn(), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def admin_dsn(server: EmbeddedPostgres, database: str) -> str:
    """The owner's DSN of the fresh database."""
    return on_database(server.dsn(), database)


@pytest.fixture
def dsn(server: EmbeddedPostgres, database: str) -> str:
    """The application role's DSN of the fresh database."""
    return on_database(server.app_dsn(), database)


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Pool]:
    """A pool as the application role."""
    async with open_pool(dsn, size=4) as opened:
        yield opened
