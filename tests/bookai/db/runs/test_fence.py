"""The fence: a run whose job was taken again writes nothing, at whatever moment that happens."""

import asyncio

import asyncpg
import pytest

from bookai.db import jobs
from bookai.db.pool import DATABASE_ERRORS, Pool
from bookai.db.runs import standing
from bookai.db.runs.fence import Fence, Fenced, take
from bookai.errors import Refused


@pytest.fixture
async def job_id(pool: Pool) -> int:
    async with pool.acquire() as con, con.transaction():
        return await jobs.create(con, "a.md", "default", "operator:test")


async def test_who_took_a_job_last_may_write_and_who_had_it_before_may_not(
    pool: Pool, job_id: int
) -> None:
    before, now = await take(pool, job_id), await take(pool, job_id)

    async with now.writing(pool) as con:
        await jobs.set_status(con, job_id, "running")
    with pytest.raises(Fenced, match="another process"):
        async with before.writing(pool):
            pytest.fail("a fenced run got a connection to write with")

    assert (before.epoch, now.epoch) == (1, 2)


async def test_a_take_waits_for_a_write_that_has_begun(pool: Pool, job_id: int) -> None:
    """Else the new run would read the job before the old one's last write is in."""
    fence = await take(pool, job_id)
    async with asyncio.TaskGroup() as group, fence.writing(pool) as con:
        taking = group.create_task(take(pool, job_id))
        await standing.begin_stage(con, job_id, "write", "graph")
        done, _ = await asyncio.wait({taking}, timeout=0.3)
        assert not done

    assert taking.result() == Fence(job_id, fence.epoch + 1)


async def test_a_write_that_comes_during_a_take_waits_and_is_refused(
    pool: Pool, job_id: int
) -> None:
    fence = await take(pool, job_id)

    async def write() -> None:
        async with fence.writing(pool):
            pytest.fail("the job was being taken")

    async with pool.acquire() as con:
        transaction = con.transaction()
        await transaction.start()
        await con.execute("SELECT epoch FROM video_jobs WHERE job_id = $1 FOR UPDATE", job_id)
        await con.execute("UPDATE video_jobs SET epoch = epoch + 1 WHERE job_id = $1", job_id)
        writing = asyncio.create_task(write())
        done, _ = await asyncio.wait({writing}, timeout=0.3)
        assert not done
        await transaction.commit()

    with pytest.raises(Fenced):
        await writing


async def test_an_operator_may_decide_while_a_run_writes(pool: Pool, job_id: int) -> None:
    fence = await take(pool, job_id)

    async def decide() -> None:
        async with asyncio.timeout(20), pool.acquire() as con, con.transaction():
            await jobs.set_status(con, job_id, "queued", actor="operator:test")

    async with fence.writing(pool):
        await decide()

    assert (await jobs.get(pool, job_id)).status == "queued"


async def test_progress_of_a_fenced_run_is_not_shown(pool: Pool, job_id: int) -> None:
    before = await take(pool, job_id)
    async with before.writing(pool) as con:
        await standing.begin_stage(con, job_id, "write", "graph")
    await standing.set_progress(pool, before, "write", 40)
    await take(pool, job_id)

    await standing.set_progress(pool, before, "write", 90)

    assert (await jobs.get(pool, job_id)).percent == 40


async def test_the_database_itself_refuses_an_older_epoch(pool: Pool, job_id: int) -> None:
    await take(pool, job_id)

    with pytest.raises(asyncpg.CheckViolationError, match="was taken 1 times"):
        await pool.execute("UPDATE video_jobs SET epoch = 0")


async def test_a_job_that_is_not_there_cannot_be_taken(pool: Pool) -> None:
    with pytest.raises(Refused, match="no job 7"):
        await take(pool, 7)


async def test_a_process_frozen_in_the_middle_of_a_write_does_not_block_others(
    pool: Pool, job_id: int
) -> None:
    """Its connection stays open and its transaction too, until the server ends it."""
    fence = await take(pool, job_id)

    async def write_slowly() -> None:
        async with fence.writing(pool) as con:
            await con.execute("SET LOCAL idle_in_transaction_session_timeout = '100ms'")
            assert (await take(pool, job_id)).epoch == fence.epoch + 1
            await standing.begin_stage(con, job_id, "write", "graph")

    with pytest.raises(DATABASE_ERRORS):
        await write_slowly()
    assert (await jobs.get(pool, job_id)).stage == "queued"


async def test_every_connection_of_ours_has_that_limit(pool: Pool) -> None:
    assert await pool.fetchval("SHOW idle_in_transaction_session_timeout") == "20s"
