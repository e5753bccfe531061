"""What silent workers left: taken from them, queued where the job stands, cleared away."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bookai.db import jobs
from bookai.db.pool import Pool
from bookai.db.queue import Entry, LockLost, depth, enqueue, hold_running
from bookai.db.runs import standing
from bookai.db.runs.recovery import (
    count_workers,
    is_my_turn,
    prune,
    release_dead,
    release_left,
    release_unwatched,
)

ENTRY = Entry(task="advance_job", args={"job_id": 1}, queue="graph", lock="job-1", once="job-1")


async def add(pool: Pool, entry: Entry = ENTRY) -> int:
    async with pool.acquire() as con, con.transaction():
        return await enqueue(con, entry)


async def begin(pool: Pool, *, silent_s: float = 0) -> int:
    """Fetch the entry as a worker does; its heartbeat is `silent_s` old."""
    worker = await pool.fetchval("SELECT procrastinate_register_worker_v1()")
    job: int = await pool.fetchval("SELECT id FROM procrastinate_fetch_job_v2(NULL, $1)", worker)
    await pool.execute(
        "UPDATE procrastinate_workers SET last_heartbeat = now() - make_interval(secs => $2) "
        "WHERE id = $1",
        worker,
        silent_s,
    )
    return job


async def release(pool: Pool) -> int:
    async with pool.acquire() as con, con.transaction():
        return await release_left(con, 30)


async def test_a_dead_workers_entry_is_queued_again_as_a_new_one(pool: Pool) -> None:
    await add(pool)
    old = await begin(pool, silent_s=3600)

    assert await release(pool) == 1

    assert await depth(pool) == {"graph": 1}
    assert await pool.fetchval("SELECT count(*) FROM procrastinate_jobs WHERE id = $1", old) == 0


async def test_it_goes_to_the_queue_of_the_step_at_which_the_job_stands(pool: Pool) -> None:
    async with pool.acquire() as con, con.transaction():
        job_id = await jobs.create(con, "a.md", "default", "operator:test")
        await standing.begin_stage(con, job_id, "render", "render")
    entry = Entry(task="t", args={"job_id": job_id}, queue=f"desk-{job_id}", lock="l", once="l")
    await add(pool, entry)
    await begin(pool, silent_s=3600)

    await release(pool)

    assert await depth(pool) == {"render": 1}


async def test_a_frozen_worker_is_cut_off_from_its_lock(pool: Pool, dsn: str) -> None:
    await add(pool)
    await begin(pool, silent_s=3600)

    held = asyncio.Event()

    async def work() -> None:
        async with asyncio.timeout(20), hold_running(dsn, "job-1"):
            held.set()
            await asyncio.Event().wait()

    frozen = asyncio.create_task(work())
    await held.wait()
    assert await release(pool) == 1

    with pytest.raises(LockLost):
        await frozen
    assert await depth(pool) == {"graph": 1}


async def test_a_lock_of_another_role_keeps_its_own_job_and_no_other(
    pool: Pool, admin_dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As when somebody started a worker with the owner's DSN, and it froze."""
    other = Entry(task="advance_job", args={"job_id": 2}, queue="graph", lock="job-2", once="job-2")
    for entry in (ENTRY, other):
        await add(pool, entry)
        await begin(pool, silent_s=3600)
    async with hold_running(admin_dsn, "job-1"):
        released = await release(pool)

    assert released == 1
    assert await depth(pool) == {"graph": 1}
    assert "its lock belongs to the role bookai (pid " in caplog.text
    assert await release(pool) == 1


async def test_a_worker_that_still_beats_keeps_its_entry_and_its_lock(pool: Pool, dsn: str) -> None:
    await add(pool)
    await begin(pool)

    async with hold_running(dsn, "job-1"):
        assert await release(pool) == 0


async def test_what_a_living_worker_let_go_of_without_a_word_is_queued_again(
    pool: Pool, dsn: str
) -> None:
    """As when Postgres was away just as its run ended."""
    await add(pool)
    old = await begin(pool)
    assert await release(pool) == 0, "it may be about to take the lock"

    await pool.execute("UPDATE procrastinate_events SET at = at - interval '31 s'")
    async with hold_running(dsn, "job-1"):
        assert await release(pool) == 0, "it works on it"

    assert await release(pool) == 1
    assert await depth(pool) == {"graph": 1}
    assert await pool.fetchval("SELECT count(*) FROM procrastinate_jobs WHERE id = $1", old) == 0


async def test_for_a_named_lock_the_heartbeat_is_not_waited_for(pool: Pool, dsn: str) -> None:
    await add(pool)
    await begin(pool)
    async with hold_running(dsn, "job-1"):
        assert await release_dead(pool, "job-1") == 0

    assert await release_dead(pool, "job-1") == 1


async def test_a_dead_entry_with_a_waiting_twin_gives_way_to_it(pool: Pool) -> None:
    await add(pool)
    await begin(pool, silent_s=3600)
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    twin = await add(pool, replace(ENTRY, at=in_an_hour))

    assert await release(pool) == 1

    left = await pool.fetch("SELECT id, scheduled_at FROM procrastinate_jobs")
    assert [tuple(row) for row in left] == [(twin, in_an_hour)]


async def test_one_process_at_a_time_looks_after_the_queue_and_nobody_waits(pool: Pool) -> None:
    async with pool.acquire() as one, pool.acquire() as other:
        async with one.transaction():
            assert await is_my_turn(one)
            async with other.transaction():
                assert not await is_my_turn(other)
        async with other.transaction():
            assert await is_my_turn(other)


async def test_an_entry_whose_watcher_is_gone_goes_to_the_workers(pool: Pool) -> None:
    async with pool.acquire() as con, con.transaction():
        job_id = await jobs.create(con, "a.md", "default", "operator:test")
    entry = Entry(task="t", args={"job_id": job_id}, queue=f"desk-{job_id}", lock="l", once="l")
    await add(pool, entry)
    async with pool.acquire() as con, con.transaction():
        assert await release_unwatched(con, 30) == 0
    await pool.execute("UPDATE procrastinate_events SET at = at - interval '1 minute'")
    await pool.execute("UPDATE video_jobs SET updated_at = updated_at - interval '1 minute'")

    async with pool.acquire() as con, con.transaction():
        assert await release_unwatched(con, 30) == 1

    assert await depth(pool) == {"graph": 1}


async def test_what_failed_long_ago_and_who_was_silent_for_long_is_forgotten(pool: Pool) -> None:
    await add(pool)
    failed = await begin(pool, silent_s=7200)
    await pool.execute("SELECT procrastinate_finish_job_v1($1, 'failed', false)", failed)
    kept = await add(pool)
    async with pool.acquire() as con:
        await prune(con, ended_s=60, silent_s=86400)
        assert await pool.fetchval("SELECT count(*) FROM procrastinate_jobs") == 2
        await pool.execute("UPDATE procrastinate_events SET at = at - interval '1 hour'")

        await prune(con, ended_s=60, silent_s=3600)

    left = await pool.fetch("SELECT id FROM procrastinate_jobs")
    assert [row["id"] for row in left] == [kept]
    assert await pool.fetchval("SELECT count(*) FROM procrastinate_workers") == 0


async def test_workers_that_beat_are_counted(pool: Pool) -> None:
    for silent_s in (0, 10, 3600):
        await begin(pool, silent_s=silent_s)

    assert await count_workers(pool, 30) == 2
