"""Jobs that should move and do not are found in the database, whatever left them behind."""

from datetime import UTC, datetime, timedelta

import pytest

from bookai.db import jobs, queue
from bookai.db.pool import Pool
from bookai.db.queue import Entry
from bookai.db.rehearsal import standing
from studio.engine import LOCK_PREFIX

KINDS = ("queued", "running", "running", "queued")
TAKE = "UPDATE procrastinate_jobs SET status = 'doing' WHERE lock = $1"


async def made(pool: Pool, status: str) -> int:
    async with pool.acquire() as con, con.transaction():
        job_id = await jobs.create(con, "a.md", "default", "schedule")
        await jobs.set_status(con, job_id, status)
    return job_id


async def queued(pool: Pool, job_id: int, at: datetime | None) -> None:
    lock = f"{LOCK_PREFIX}{job_id}"
    async with pool.acquire() as con, con.transaction():
        entry = Entry(task="advance", args={"job_id": job_id}, queue="graph", lock=lock, at=at)
        await queue.enqueue(con, entry)


async def found(pool: Pool) -> dict[int, str]:
    stuck = await standing.list_stuck(pool, LOCK_PREFIX, datetime.now(UTC))
    return {one.job_id: one.why for one in stuck}


@pytest.mark.parametrize("status", ["done", "refused", "failed", "waiting"])
async def test_what_ended_or_waits_is_not_stuck(pool: Pool, status: str) -> None:
    await made(pool, status)

    assert await found(pool) == {}


async def test_what_waits_for_its_time_is_not_stuck(pool: Pool) -> None:
    await queued(pool, await made(pool, "queued"), datetime.now(UTC) + timedelta(hours=1))

    assert await found(pool) == {}


async def test_each_kind_of_stuck_job_is_found_and_told(pool: Pool) -> None:
    lost, nobodys, taken, due = [await made(pool, one) for one in KINDS]
    await queued(pool, taken, None)
    await pool.execute(TAKE, f"{LOCK_PREFIX}{taken}")
    await queued(pool, due, datetime.now(UTC) - timedelta(hours=1))

    assert await found(pool) == {
        lost: "it should move, and no queue entry moves it",
        nobodys: "it is at work, and nobody has it",
        taken: "a worker took it, and lives no more",
        due: "it was due, and nobody took it",
    }
