"""A worker that lives through an outage of Postgres does not keep what it could not give back."""

import asyncio
from dataclasses import replace

import asyncpg

from bookai.db import jobs
from bookai.db.pool import Pool
from bookai.db.runs.fence import Fence
from bookai.models import Queue
from graphs.advance import Advance
from studio.engine import Procrastinate
from studio.recovery import recover

# What an outage does at just that moment: the entry's end cannot be written.
REFUSE_ENDS = """
CREATE SEQUENCE refused;
CREATE FUNCTION refuse_ends() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$BEGIN
  PERFORM nextval('refused');
  RAISE 'the database system is shutting down' USING ERRCODE = '57P03';
END$$;
CREATE TRIGGER refuse_ends BEFORE UPDATE OR DELETE ON procrastinate_jobs
   FOR EACH ROW WHEN (OLD.status = 'doing') EXECUTE FUNCTION refuse_ends();
"""
IS_REFUSED = "SELECT is_called FROM refused"
ALLOW_ENDS = "DROP TRIGGER refuse_ends ON procrastinate_jobs"

DOING = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'"
BEATS = "SELECT last_heartbeat > now() - interval '5 s' FROM procrastinate_workers WHERE id = $1"


async def test_a_job_whose_worker_could_not_say_that_it_ended_is_taken_up_while_that_worker_lives(
    pool: Pool, admin_dsn: str, engine: Procrastinate
) -> None:
    admin, engine = await asyncpg.connect(admin_dsn), replace(engine, beat_s=0.2)
    calls: list[int] = []
    first, again, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def advance(one: int, _fence: Fence, _queues: frozenset[Queue]) -> Advance:
        calls.append(one)
        if len(calls) == 1:
            await admin.execute(REFUSE_ENDS)
            first.set()
        else:
            again.set()
        return Advance("done")

    async with pool.acquire() as con, con.transaction():
        job_id = await jobs.create(con, "a.md", "default", "operator:test")
        await engine.enqueue(con, job_id)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(engine.serve(advance, 1, stop))
        await first.wait()
        while not await admin.fetchval(IS_REFUSED):
            assert await recover(pool, engine) == 0
        await admin.execute(ALLOW_ENDS)
        assert await pool.fetchval(DOING) == 1

        worker = await pool.fetchval("SELECT min(id) FROM procrastinate_workers")
        while not again.is_set():
            await recover(pool, engine, dead_after_s=2)
        assert await pool.fetchval(BEATS, worker), "it was taken from a worker that lives"
        stop.set()
    await admin.close()

    assert set(calls) == {job_id}
