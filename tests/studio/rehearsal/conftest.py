"""One simulated day for all tests that look at one, on a database of its own."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from bookai.db.embedded import EmbeddedPostgres
from studio.rehearsal.home import make_home
from studio.rehearsal.record import RehearsalReport
from studio.rehearsal.run import Dsns, rehearse
from studio.rehearsal.world import make_world
from tests.conftest import execute, on_database

SEED = 6
HOURS = 14


@dataclass(frozen=True)
class Rehearsed:
    """A rehearsal that is over, with its database and its home."""

    report: RehearsalReport
    dsns: Dsns
    home: Path


def empty_database(server: EmbeddedPostgres) -> tuple[str, Dsns]:
    name = f"r_{uuid4().hex[:12]}"
    execute(server.dsn(), f"CREATE DATABASE {name}")
    admin, app = (on_database(dsn, name) for dsn in (server.dsn(), server.app_dsn()))
    return name, Dsns(admin, app)


@pytest.fixture
def empty(server: EmbeddedPostgres) -> Iterator[Dsns]:
    """A database with nothing in it."""
    name, dsns = empty_database(server)
    yield dsns
    execute(server.dsn(), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def day(server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsed]:
    """A Monday, until two channels have published and a rule was earned, used and lost."""
    name, dsns = empty_database(server)
    home = make_home(tmp_path_factory.mktemp("rehearsal") / "home")
    report = asyncio.run(rehearse(make_world(SEED), HOURS / 24, home, seed=SEED, dsns=dsns))
    yield Rehearsed(report, dsns, home)
    execute(server.dsn(), f"DROP DATABASE {name} WITH (FORCE)")
