"""A worker's turn: jobs that ended before, and jobs that took down whoever had them."""

import asyncio
import random

from bookai.db import jobs
from bookai.db.pool import Pool
from bookai.db.runs import standing
from bookai.db.runs.fence import Fence, take
from bookai.models import Queue
from graphs.advance import Advance
from studio.engine import Engine, Inline, Procrastinate
from studio.turn import MAX_TRIES, MAX_UNHEARD, Turn
from tests.conftest import execute
from tests.studio.test_engine import entries, new_job, serve_until, work_until


async def test_a_job_that_ended_is_not_taken_up_again_when_its_lock_breaks_then(
    pool: Pool, admin_dsn: str, engine: Procrastinate
) -> None:
    end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"
    await new_job(pool, engine)

    async def advance(one: int, fence: Fence, _queues: frozenset[Queue]) -> Advance:
        async with fence.writing(pool) as con:
            await jobs.set_status(con, one, "done")
        execute(admin_dsn, end)  # the loop has no turn in which it could notice
        return Advance("done")

    async def left() -> bool:
        row = await jobs.get(pool, 1)
        return row.status == "done" and ("doing", False) not in await entries(pool)

    await work_until(engine, advance, left)

    assert await entries(pool) == []


async def test_a_job_that_ended_before_its_worker_could_say_so_is_left_alone(
    pool: Pool, either: Engine
) -> None:
    """As when a worker is killed just then: its entry is queued again, and another one."""
    ended, sound = await new_job(pool, either), await new_job(pool, either)
    async with pool.acquire() as con, con.transaction():
        await jobs.set_status(con, ended, "refused", reason="an interview")
    calls, called = list[int](), asyncio.Event()

    async def advance(one: int, _fence: Fence, _queues: frozenset[Queue]) -> Advance:
        calls.append(one)
        called.set()
        return Advance("done")

    await serve_until(either, advance, called)

    assert calls == [sound]
    assert await either.depth() == {}


async def test_a_job_that_took_down_its_workers_is_given_up(pool: Pool, either: Engine) -> None:
    poison, sound = await new_job(pool, either), await new_job(pool, either)
    for _ in range(MAX_UNHEARD):
        await take(pool, poison)
    calls, called = list[int](), asyncio.Event()

    async def advance(one: int, _fence: Fence, _queues: frozenset[Queue]) -> Advance:
        calls.append(one)
        called.set()
        return Advance("done")

    await serve_until(either, advance, called)

    row = await jobs.get(pool, poison)
    assert calls == [sound]
    assert (row.status, row.reason) == (
        "failed",
        f"{MAX_UNHEARD} workers took it and were not heard of again. Look into their logs, then "
        f"try again: bookai make --resume {poison}",
    )


async def test_workers_that_leave_a_job_in_order_are_not_held_against_it(
    pool: Pool, engine: Procrastinate
) -> None:
    job_id = await new_job(pool)
    for _ in range(MAX_UNHEARD):
        turn = Turn(pool, engine.enqueue, random.Random(0), job_id)
        turn.fence = await take(pool, job_id)
        await turn.put_back("this worker stops", 0)

        assert await standing.count_unheard(pool, job_id) == 0


async def test_looks_at_a_job_that_waits_are_not_held_against_it(pool: Pool) -> None:
    twin = Inline(pool)
    job_id = await new_job(pool)

    async def advance(_one: int, _fence: Fence, _queues: frozenset[Queue]) -> Advance:
        return Advance("waiting")

    for _ in range(MAX_UNHEARD + 1):
        async with pool.acquire() as con:
            await twin.enqueue(con, job_id)
        await twin.serve(advance, 1, asyncio.Event())

    assert (await jobs.get(pool, job_id)).status == "queued"
    assert await standing.count_unheard(pool, job_id) == 0


async def test_a_job_that_only_came_too_early_may_do_so_any_number_of_times(
    pool: Pool, engine: Procrastinate
) -> None:
    job_id = await new_job(pool, engine)
    await pool.execute("UPDATE video_jobs SET attempt = $1", MAX_TRIES - 1)

    async def advance(_one: int, _fence: Fence, _queues: frozenset[Queue]) -> Advance:
        return Advance("queued", "the account rests.", 3600, held=True)

    async def put_back() -> bool:
        return await entries(pool) == [("todo", True)]

    await work_until(engine, advance, put_back)

    tries = await pool.fetchval("SELECT attempt FROM video_jobs WHERE job_id = $1", job_id)
    waits_s = await pool.fetchval(
        "SELECT extract(epoch FROM scheduled_at - now())::float8 FROM procrastinate_jobs"
    )
    assert tries == MAX_TRIES - 1
    assert 3500 < waits_s <= 3600 * 1.2
