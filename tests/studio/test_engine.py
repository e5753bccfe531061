"""The queue's engine on a real Postgres: tries, defects, stops, what a crash left behind."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg
import pytest

from bookai.db import audit, jobs, queue
from bookai.db.pool import DATABASE_ERRORS, Pool, open_pool
from bookai.db.runs import standing
from bookai.db.runs.fence import Fence, take
from bookai.models import Capability, Queue, Record, VideoJob
from bookai.settings import Settings
from graphs.advance import Advance
from studio.engine import LOCK_PREFIX, Engine, Inline, Procrastinate, lock_of
from studio.foreground import carry
from studio.office import open_office
from studio.turn import LONGEST_WAIT_S, MAX_TRIES, AdvanceJob, wait_s
from tests.graphs.crew import RESULTS, Hand
from tests.graphs.test_production import line


async def new_job(pool: Pool, engine: Engine | None = None) -> int:
    async with pool.acquire() as con, con.transaction():
        job_id = await jobs.create(con, "a.md", "default", "operator:test")
        if engine:
            await engine.enqueue(con, job_id)
    return job_id


async def work_until(
    engine: Procrastinate,
    advance: AdvanceJob,
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

    async def advance(one: int, _fence: Fence, _queues: frozenset[Queue]) -> Advance:
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

    async def advance(_one: int, _fence: Fence, _queues: frozenset[Queue]) -> Advance:
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

    async def advance(one: int, _fence: Fence, _queues: frozenset[Queue]) -> Advance:
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

    async def advance(_one: int, _fence: Fence, _queues: frozenset[Queue]) -> Advance:
        pytest.fail("two processes had one job")

    async def put_off() -> bool:
        return await entries(pool) == [("todo", True)]

    async with queue.hold_running(dsn, lock_of(job_id)):
        await work_until(engine, advance, put_off)

    assert await pool.fetchval("SELECT attempt FROM video_jobs") == 0


async def test_a_job_without_a_queue_entry_is_found(pool: Pool, engine: Procrastinate) -> None:
    lost, queued = await new_job(pool), await new_job(pool, engine)
    await pool.execute("UPDATE video_jobs SET updated_at = now() - interval '1 hour'")

    assert await standing.list_stranded(pool, LOCK_PREFIX, 30) == (lost,)
    assert queued not in await standing.list_stranded(pool, LOCK_PREFIX, 0)


async def test_the_inline_twin_runs_what_was_queued_once(pool: Pool) -> None:
    twin, calls = Inline(pool), list[int]()

    async def advance(one: int, _fence: Fence, _queues: frozenset[Queue]) -> Advance:
        calls.append(one)
        return Advance("done")

    job_id = await new_job(pool, twin)
    async with pool.acquire() as con:
        await twin.enqueue(con, job_id)

    assert await twin.depth() == {"graph": 1}
    await twin.serve(advance, 1, asyncio.Event())
    assert calls == [job_id]


async def serve_until(
    engine: Engine, advance: AdvanceJob, done: asyncio.Event, *queues: Queue
) -> None:
    """Serve until the advance itself says that it was called often enough."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(engine.serve(advance, 1, stop, queues=queues))
        await done.wait()
        stop.set()


async def test_a_run_is_handed_over_to_the_queue_of_its_next_step(
    pool: Pool, either: Engine
) -> None:
    job_id, seen = await new_job(pool, either), list[frozenset[Queue]]()
    called = asyncio.Event()

    async def advance(_one: int, _fence: Fence, queues: frozenset[Queue]) -> Advance:
        seen.append(queues)
        called.set()
        return Advance("done") if "render" in queues else Advance("queued", hand_over="render")

    await serve_until(either, advance, called, "graph")
    assert await either.depth() == {"render": 1}
    called.clear()
    await serve_until(either, advance, called, "render", "publish")

    assert await either.depth() == {}
    assert seen == [{"graph"}, {"render", "publish"}]
    (event,) = await audit.search(pool, kind="job.handed_over")
    assert event.body == f'{{"from":"graph","job_id":{job_id},"to":"render"}}'


async def test_a_job_goes_to_the_queue_of_the_step_at_which_it_stands(
    pool: Pool, either: Engine
) -> None:
    job_id = await new_job(pool)
    async with pool.acquire() as con, con.transaction():
        await standing.begin_stage(con, job_id, "publish", "publish")
        await either.enqueue(con, job_id)
        await either.enqueue(con, job_id)

    assert await either.depth() == {"publish": 1}


async def test_a_run_whose_job_was_taken_ends_quietly_and_is_audited_once(
    pool: Pool, either: Engine
) -> None:
    job_id, called = await new_job(pool, either), asyncio.Event()

    async def advance(one: int, fence: Fence, _queues: frozenset[Queue]) -> Advance:
        await take(pool, one)
        called.set()
        async with fence.writing(pool):
            pytest.fail("a fenced run wrote")

    await serve_until(either, advance, called)

    assert await either.depth() == {}
    (event,) = await audit.search(pool, kind="run.fenced")
    assert event.body == (
        f'{{"job_id":{job_id},"why":"job {job_id} was taken up by another process (1, now 2)."}}'
    )
    assert (await jobs.get(pool, job_id)).status == "queued"


@pytest.mark.parametrize(
    ("after_s", "tries", "least"), [(30, 1, 30), (30, 3, 120), (30, 9, 900), (7200, 4, 7200)]
)
def test_waits_grow_but_a_platforms_own_word_is_neither_shortened_nor_multiplied_for_ever(
    after_s: float, tries: int, least: float
) -> None:
    waits = [wait_s(after_s, tries, random.Random(seed)) for seed in range(200)]

    assert min(waits) >= least
    assert max(waits) <= 1.2 * max(least, LONGEST_WAIT_S)
    assert len(set(waits)) > 100


@pytest.mark.parametrize("statement", ["SELECT 1 / 0", "SELECT pg_sleep(30)"])
async def test_what_the_database_failed_is_tried_again(
    pool: Pool, engine: Procrastinate, statement: str
) -> None:
    job_id = await new_job(pool, engine)

    async def advance(_one: int, _fence: Fence, _queues: frozenset[Queue]) -> Advance:
        await pool.execute(statement, timeout=0.2)
        return Advance("done")

    async def put_off() -> bool:
        return await entries(pool) == [("todo", True)]

    await work_until(engine, advance, put_off)

    assert (await jobs.get(pool, job_id)).status == "queued"


async def test_a_job_outlives_the_loss_of_every_connection(
    pool: Pool, dsn: str, admin_dsn: str, engine: Procrastinate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when Postgres is restarted under a running step: the job goes on, it does not fail."""
    monkeypatch.setattr("studio.engine.QUICK_END_S", 0.0)
    cut = """
    SELECT count(pg_terminate_backend(pid))
      FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
    """

    class Unlucky(Hand):
        async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
            if capability == "write" and self.runs[capability] == 1:
                async with open_pool(admin_dsn, size=1) as owner:
                    await owner.fetchval(cut)
                await asyncio.Event().wait()
            return RESULTS[capability]

    hand, job_id = Unlucky(), await new_job(pool, engine)

    async def waits() -> bool:
        with suppress(*DATABASE_ERRORS):
            row = await jobs.get(pool, job_id)
            await pool.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL")
            assert row.status != "failed", row.reason
            return row.status == "waiting"
        return False

    async with line(pool, dsn, hand) as main:
        await work_until(engine, main.advance, waits)

    assert hand.runs["write"] == 2


async def test_a_connection_cut_at_an_unlucky_moment_is_no_defect_of_the_job(
    pool: Pool, engine: Procrastinate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver has a word of its own for it, which is none of its database errors."""
    monkeypatch.setattr("studio.engine.QUICK_END_S", 0.0)
    job_id, called = await new_job(pool, engine), asyncio.Event()

    async def advance(_one: int, _fence: Fence, _queues: frozenset[Queue]) -> Advance:
        called.set()
        raise asyncpg.InternalClientError("cannot switch to state 15")

    await serve_until(engine, advance, called)

    assert (await jobs.get(pool, job_id)).status != "failed"


async def test_a_run_that_a_stop_cut_short_is_queued_at_once(
    pool: Pool, engine: Procrastinate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.engine.STOP_S", 0.1)
    await new_job(pool, engine)
    called = asyncio.Event()

    async def advance(_one: int, _fence: Fence, _queues: frozenset[Queue]) -> Advance:
        called.set()
        await asyncio.Event().wait()
        return Advance("done")

    await serve_until(engine, advance, called)

    assert await engine.depth() == {"graph": 1}


async def test_a_worker_that_lost_its_place_registers_anew(
    pool: Pool, engine: Procrastinate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an hour's freeze: others have forgotten it, and it may not take a job so."""
    monkeypatch.setattr("studio.engine.QUICK_END_S", 0.0)
    calls: list[int] = []

    async def advance(one: int, _fence: Fence, _queues: frozenset[Queue]) -> Advance:
        calls.append(one)
        if len(calls) == 1:
            await pool.execute("DELETE FROM procrastinate_workers")
            await new_job(pool, engine)
        return Advance("done")

    async def both() -> bool:
        return len(calls) == 2 and await entries(pool) == []

    await new_job(pool, engine)
    await work_until(engine, advance, both)


async def test_a_watched_job_is_not_kept_waiting_by_others(
    pool: Pool, engine: Procrastinate
) -> None:
    """`bookai make` works on its own job, and leaves without touching the queue of others."""
    await new_job(pool, engine)
    mine = await new_job(pool)
    calls: list[int] = []

    async def advance(one: int, _fence: Fence, _queues: frozenset[Queue]) -> Advance:
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
