"""A whole studio on a fresh database, with its folders in a temporary place."""

from pathlib import Path

import pytest

from bookai.db.jobs import JobRow
from bookai.db.pool import Pool
from bookai.settings import Settings
from studio.commands.make import SETTLED
from studio.engine import Engine, Inline, Procrastinate
from studio.foreground import carry
from studio.wiring import Studio


@pytest.fixture
def settings(dsn: str, admin_dsn: str, tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {
            "home": tmp_path / "home",
            "dsn": dsn,
            "admin_dsn": admin_dsn,
            "metrics_port": 0,
            "approvals": {"single_operator": True},
            # Nothing listens on the discard port: the built-in writer writes.
            "ollama": {"host": "http://127.0.0.1:9"},
        }
    )


@pytest.fixture
def engine(dsn: str, pool: Pool) -> Procrastinate:
    return Procrastinate(dsn, pool)


@pytest.fixture(params=["procrastinate", "inline"])
def either(request: pytest.FixtureRequest, engine: Procrastinate, pool: Pool) -> Engine:
    """The engine and its twin, which must behave alike."""
    return engine if request.param == "procrastinate" else Inline(pool)


async def make(house: Studio, source: str, until: frozenset[str] = SETTLED) -> JobRow:
    """Make a video of `source` as `bookai make` does."""
    made = await house.office.desk.create_job(source, "default", "operator:test")
    return await go_on(house, made.job_id, until)


async def go_on(house: Studio, job_id: int, until: frozenset[str] = SETTLED) -> JobRow:
    """Carry a job on in this process."""
    office = house.office
    return await carry(
        office.engine,
        house.production.advance,
        office.database.pool,
        job_id,
        until,
        lambda _row, _elapsed: None,
    )
