"""The queue's SQL side, on a real Postgres with procrastinate's own tables."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bookai.db.pool import Pool, open_pool
from bookai.db.queue import (
    AlreadyRunning,
    Entry,
    LockLost,
    create_tables,
    depth,
    enqueue,
    hold_running,
    loads,
)
from bookai.errors import Refused
from tests.conftest import execute

ENTRY = Entry(task="advance_job", args={"job_id": 1}, queue="graph", lock="job-1", once="job-1")


async def add(pool: Pool, entry: Entry = ENTRY) -> int:
    async with pool.acquire() as con, con.transaction():
        return await enqueue(con, entry)


async def test_an_entry_goes_with_its_transaction(pool: Pool) -> None:
    async with pool.acquire() as con:
        transaction = con.transaction()
        await transaction.start()
        await enqueue(con, ENTRY)
        await transaction.rollback()

    assert await depth(pool) == {}


async def test_an_entry_that_still_waits_is_not_added_twice(pool: Pool) -> None:
    first, second = await add(pool), await add(pool)

    assert first == second
    assert await depth(pool) == {"graph": 1}


async def test_asking_again_with_more_priority_moves_the_entry_forward(pool: Pool) -> None:
    added = await add(pool)

    await add(pool, Entry(task="t", args={}, queue="graph", once="job-1", priority=10))

    query = "SELECT priority FROM procrastinate_jobs WHERE id = $1"
    assert await pool.fetchval(query, added) == 10


async def test_an_entry_stays_with_its_watcher_whoever_asks_again(pool: Pool) -> None:
    await add(pool, Entry(task="t", args={}, queue="desk-1", once="job-1"))

    await add(pool, Entry(task="t", args={}, queue="render", once="job-1"))

    assert await depth(pool) == {"desk": 1}


async def test_the_age_of_a_queue_is_that_of_its_oldest_entry_that_may_start(pool: Pool) -> None:
    await add(pool)
    later = datetime.now(UTC) + timedelta(hours=1)
    await add(pool, Entry(task="t", args={}, queue="render", at=later))
    await pool.execute("UPDATE procrastinate_events SET at = at - interval '1 minute'")

    found = await loads(pool)

    assert round(found["graph"].oldest_s) == 60
    assert found["render"].oldest_s == 0
    assert (found["graph"].waiting, found["graph"].running) == (1, 0)


async def test_a_lock_is_held_by_one_process_at_a_time(dsn: str) -> None:
    async with hold_running(dsn, "job-1"):
        with pytest.raises(AlreadyRunning, match="job-1"):
            async with hold_running(dsn, "job-1", wait_s=0):
                pytest.fail("two held one lock")

    async with hold_running(dsn, "job-1"):
        pass


async def test_many_who_ask_at_once_get_one_entry(pool: Pool) -> None:
    async with asyncio.TaskGroup() as group:
        asks = [group.create_task(add(pool)) for _ in range(8)]

    assert len({ask.result() for ask in asks}) == 1
    assert await depth(pool) == {"graph": 1}


@pytest.mark.parametrize("sooner", [None, datetime(2030, 1, 1, tzinfo=UTC)])
async def test_an_entry_put_off_is_brought_forward_and_never_back(
    pool: Pool, sooner: datetime | None
) -> None:
    late = datetime(2031, 1, 1, tzinfo=UTC)
    added = await add(pool, Entry(task="t", args={}, queue="graph", once="job-1", at=late))

    for at in (sooner, late + timedelta(days=1)):
        await add(pool, Entry(task="t", args={}, queue="graph", once="job-1", at=at))

    query = "SELECT scheduled_at FROM procrastinate_jobs WHERE id = $1"
    assert await pool.fetchval(query, added) == sooner


async def test_two_entries_of_one_lock_do_not_run_side_by_side(pool: Pool) -> None:
    for task in ("first", "second"):
        await add(pool, Entry(task=task, args={}, queue="graph", lock="job-1"))
    worker = await pool.fetchval("SELECT procrastinate_register_worker_v1()")
    fetch = "SELECT task_name FROM procrastinate_fetch_job_v2(NULL, $1)"

    assert [await pool.fetchval(fetch, worker) for _ in range(2)] == ["first", None]


HOLD = """
import asyncio, sys
from bookai.db.queue import hold_running

async def main() -> None:
    async with hold_running(sys.argv[1], "job-1"):
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_the_lock_of_a_process_killed_with_9_is_free(dsn: str) -> None:
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, dsn, stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"held\n"
    with pytest.raises(AlreadyRunning):
        async with hold_running(dsn, "job-1", wait_s=0):
            pytest.fail("two held one lock")

    holder.kill()
    await holder.wait()

    async with hold_running(dsn, "job-1"):
        assert holder.returncode == -9


async def test_work_whose_lock_is_lost_is_broken_off(pool: Pool, admin_dsn: str, dsn: str) -> None:
    kill = """
    SELECT count(pg_terminate_backend(pid))
      FROM pg_stat_activity
     WHERE application_name = 'bookai lock' AND datname = current_database()
    """

    async def work(owner: Pool) -> None:
        async with asyncio.timeout(20), hold_running(dsn, "job-1"):
            assert await owner.fetchval(kill) == 1
            await asyncio.Event().wait()

    async with open_pool(admin_dsn, size=1) as owner:
        with pytest.raises(LockLost, match="job-1"):
            await work(owner)

    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_lock_that_is_lost_when_the_work_is_done_does_not_undo_it(
    dsn: str, admin_dsn: str
) -> None:
    """The loop has no turn between the end of the connection and that of the block."""
    end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"
    async with hold_running(dsn, "job-1"):
        execute(admin_dsn, end)

    async with hold_running(dsn, "job-1"):
        pass


async def test_a_cancelled_holder_stays_cancelled_and_frees_the_lock(dsn: str) -> None:
    held = asyncio.Event()

    async def hold() -> None:
        async with hold_running(dsn, "job-1"):
            held.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(hold())
        await held.wait()
        task.cancel()

    assert task.cancelled()
    async with hold_running(dsn, "job-1"):
        pass


async def test_tables_of_an_older_procrastinate_are_upgraded_in_order(
    admin_dsn: str, tmp_path: Path
) -> None:
    for name, statement in {
        "03.08.00_50_post_old": "SELECT 1 / 0",
        "03.09.00_01_pre_probe": "CREATE TYPE probe AS ENUM ('a')",
        "03.09.00_50_post_probe": "ALTER TYPE probe ADD VALUE 'b'",
        "03.10.00_01_pre_probe": "CREATE TABLE probes (kind probe NOT NULL DEFAULT 'b')",
        "99.00.00_01_pre_future": "SELECT 1 / 0",
    }.items():
        (tmp_path / f"{name}.sql").write_text(statement)
    async with open_pool(admin_dsn, size=1) as owner, owner.acquire() as con:
        await con.execute("UPDATE schema_packages SET version = '3.8.0'")

        applied = await create_tables(con, tmp_path)

        assert [name.split()[1][:11] for name in applied] == [
            "03.09.00_01",
            "03.09.00_50",
            "03.10.00_01",
        ]
        assert await create_tables(con, tmp_path) == []


async def test_tables_of_a_newer_procrastinate_are_left_alone(admin_dsn: str) -> None:
    async with open_pool(admin_dsn, size=1) as owner, owner.acquire() as con:
        await con.execute("UPDATE schema_packages SET version = '99.0.0'")

        with pytest.raises(Refused, match=r"99\.0\.0"):
            await create_tables(con)
