"""The queue's engine on a real Postgres: tries, defects, stops, what a crash left behind."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from bookai.db import jobs, queue
from bookai.db.pool import Pool
from bookai.settings import Settings
from graphs.production import Advance
from studio.engine import LOCK_PREFIX, MAX_TRIES, Inline, Procrastinate, lock_of
from studio.foreground import carry
from studio.wiring import open_office


@pytest.fixture
def engine(dsn: str, pool: Pool) -> Procrastinate:
    return Procrastinate(dsn, pool)


async def new_job(pool: Pool, engine: Procrastinate | Inline | None = None) -> int:
    async with pool.acquire() as con, con.transaction():
        job_id = await jobs.create(con, "a.md", "default", "operator:test")
        if engine:
            await engine.enqueue(con, job_id)
    return job_id


async def work_until(
    engine: Procrastinate,
    advance: Callable[[int], Awaitable[Advance]],
    done: Callable[[], Awaitable[bool]],
) -> None:
    """Serve until `done` says so; the tests' own time limit bounds it."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(engine.serve(advance, 1, stop))
        while not await done():
            # The outcome is a row, which no event announces: look again in a moment.
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await stop.wait()
        stop.set()


async def entries(pool: Pool) -> list[tuple[str, bool]]:
    rows = await pool.fetch(
        "SELECT status, scheduled_at > now() AS later FROM procrastinate_jobs ORDER BY id"
    )
    return [(row["status"], bool(row["later"])) for row in rows]


async def test_an_entry_goes_with_its_transaction(pool: Pool, engine: Procrastinate) -> None:
    async with pool.acquire() as con:
        transaction = con.transaction()
        await transaction.start()
        await engine.enqueue(con, 1)
        await transaction.rollback()

    assert await engine.depth() == {}


async def test_a_job_that_may_work_later_is_queued_for_later(
    pool: Pool, engine: Procrastinate
) -> None:
    job_id = await new_job(pool, engine)
    calls: list[int] = []

    async def advance(one: int) -> Advance:
        calls.append(one)
        return Advance("queued", "the host is busy", 30)

    async def put_off() -> bool:
        return await entries(pool) == [("todo", True)]

    await work_until(engine, advance, put_off)

    assert calls == [job_id]


async def test_after_the_last_try_the_job_fails_with_the_reason(
    pool: Pool, engine: Procrastinate
) -> None:
    job_id = await new_job(pool, engine)
    await pool.execute("UPDATE video_jobs SET attempt = $1", MAX_TRIES - 1)

    async def advance(_job_id: int) -> Advance:
        return Advance("queued", "the host is busy.", 30)

    async def failed() -> bool:
        return (await jobs.get(pool, job_id)).status == "failed"

    await work_until(engine, advance, failed)

    reason = (await jobs.get(pool, job_id)).reason
    assert reason == (
        f"gave up after {MAX_TRIES} tries: the host is busy. "
        f"To try again: bookai make --resume {job_id}"
    )


async def test_a_defect_ends_the_job_with_a_reason_and_not_the_worker(
    pool: Pool, engine: Procrastinate
) -> None:
    broken, sound = await new_job(pool, engine), await new_job(pool, engine)
    calls: list[int] = []

    async def advance(one: int) -> Advance:
        calls.append(one)
        if one == broken:
            raise KeyError("secret")
        return Advance("done")

    async def both() -> bool:
        return len(calls) == 2 and await entries(pool) == []

    await work_until(engine, advance, both)

    row = await jobs.get(pool, broken)
    assert calls == [broken, sound]
    assert row.status == "failed"
    assert "KeyError" in (row.reason or "")
    assert "secret" not in (row.reason or "")


async def test_a_job_that_another_process_has_is_put_off_and_costs_no_try(
    pool: Pool, dsn: str, engine: Procrastinate
) -> None:
    job_id = await new_job(pool, engine)

    async def advance(_job_id: int) -> Advance:
        pytest.fail("two processes had one job")

    async def put_off() -> bool:
        return await entries(pool) == [("todo", True)]

    async with queue.hold_running(dsn, lock_of(job_id)):
        await work_until(engine, advance, put_off)

    assert await pool.fetchval("SELECT attempt FROM video_jobs") == 0


async def test_a_job_without_a_queue_entry_is_found(pool: Pool, engine: Procrastinate) -> None:
    lost, queued = await new_job(pool), await new_job(pool, engine)
    await pool.execute("UPDATE video_jobs SET updated_at = now() - interval '1 hour'")

    assert await jobs.list_stranded(pool, LOCK_PREFIX, 30) == (lost,)
    assert queued not in await jobs.list_stranded(pool, LOCK_PREFIX, 0)


async def test_the_inline_twin_runs_what_was_queued_once(pool: Pool) -> None:
    twin, calls = Inline(), list[int]()

    async def advance(one: int) -> Advance:
        calls.append(one)
        return Advance("done")

    job_id = await new_job(pool, twin)
    async with pool.acquire() as con:
        await twin.enqueue(con, job_id)

    assert await twin.depth() == {"graph": 1}
    await twin.serve(advance, 1, asyncio.Event())
    assert calls == [job_id]


async def test_a_watched_job_is_not_kept_waiting_by_others(
    pool: Pool, engine: Procrastinate
) -> None:
    """`bookai make` works on its own job, and leaves without touching the queue of others."""
    await new_job(pool, engine)
    mine = await new_job(pool)
    calls: list[int] = []

    async def advance(one: int) -> Advance:
        calls.append(one)
        async with pool.acquire() as con, con.transaction():
            await jobs.set_status(con, one, "waiting")
        return Advance("waiting")

    row = await carry(
        engine, advance, pool, mine, frozenset({"waiting"}), lambda _row, _elapsed: None
    )

    assert row.status == "waiting"
    assert calls == [mine]
    assert await engine.depth() == {"graph": 1}


async def test_a_scheduled_source_makes_one_job_at_a_time(settings: Settings) -> None:
    async with open_office(settings) as office:
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(office.desk.create_due_job("https://x.org/f", "default", 60))
                for _ in range(4)
            ]
        made = [task.result() for task in asked if task.result() is not None]
        async with office.database.pool.acquire() as con, con.transaction():
            await jobs.set_status(con, 1, "failed", reason="no")

        assert len(made) == 1
        assert await office.desk.create_due_job("https://x.org/f", "default", 3600) is None
        await office.database.pool.execute(
            "UPDATE video_jobs SET created_at = now() - interval '2 hours'"
        )
        assert await office.desk.create_due_job("https://x.org/f", "default", 3600) is not None
