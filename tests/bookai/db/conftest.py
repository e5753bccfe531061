"""What several tests of the ledger need."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

NewJob = Callable[[], Awaitable[int]]


@pytest.fixture
def new_job(pool: asyncpg.Pool) -> NewJob:
    async def insert() -> int:
        number: int = await pool.fetchval(
            "INSERT INTO video_jobs (source, channel, requested_by, status, stage, record)"
            " VALUES ('a.md', 'default', 'operator:ann', 'queued', 'queued', '{}')"
            " RETURNING job_id"
        )
        return number

    return insert


@pytest.fixture
async def job_id(new_job: NewJob) -> int:
    return await new_job()


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """The file of exported checkpoints; not there yet."""
    return tmp_path / "audit" / "checkpoints.notes"


@pytest.fixture
async def attacker(admin_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """The database's owner, who has switched the triggers off."""
    con = await asyncpg.connect(admin_dsn)
    try:
        await con.execute("SET session_replication_role = replica")
        yield con
    finally:
        await con.close()
