"""One process leads the loop; when it dies or freezes another does, and no slot is lost."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from bookai.db import loop
from bookai.db.pool import Pool
from bookai.errors import OperatorNeeded
from bookai.settings import Settings
from studio.loop.lead import lead_the_loop
from studio.loop.lineup import lineup_of
from studio.loop.run import Runner
from studio.loop.schedule import Schedule
from studio.office import open_office

PROGRAM = Path(__file__).with_name("leader_process.py")
ROOT = PROGRAM.parents[3]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
GAPS = """
SELECT count(*)
  FROM (SELECT slot, lag(until) OVER (PARTITION BY name, scope ORDER BY slot) AS before
          FROM loop_ticks) AS t
 WHERE before IS NOT NULL
   AND before <> slot
"""

pytestmark = pytest.mark.timeout(60)


@asynccontextmanager
async def process(dsn: str, **options: float) -> AsyncIterator[asyncio.subprocess.Process]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PROGRAM),
        json.dumps({"dsn": dsn, **options}),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def line(child: asyncio.subprocess.Process) -> str:
    assert child.stdout is not None
    async with asyncio.timeout(20):
        return (await child.stdout.readline()).decode().strip()


async def until(is_so: Callable[[], Awaitable[object]], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not await is_so():
            pass


async def test_when_the_leader_is_killed_another_leads_within_seconds_and_no_slot_is_lost(
    dsn: str, pool: Pool
) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(process(dsn))
        assert await line(first) == "waits"
        assert await line(first) == "leads 1"
        second = await stack.enter_async_context(process(dsn))
        assert await line(second) == "waits"
        await until(partial(pool.fetchval, "SELECT count(*) > 2 FROM loop_ticks WHERE epoch = 1"))

        killed_at = time.monotonic()
        first.send_signal(signal.SIGKILL)

        assert await line(second) == "leads 2"
        assert time.monotonic() - killed_at < 10
        await until(partial(pool.fetchval, "SELECT count(*) > 2 FROM loop_ticks WHERE epoch = 2"))

    assert await pool.fetchval(GAPS) == 0
    assert await pool.fetchval("SELECT count(*) FROM loop_ticks WHERE state = 'failed'") == 0


async def test_a_frozen_leader_loses_the_lead_and_notices_when_it_comes_back(
    dsn: str, pool: Pool
) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(process(dsn, idle_s=1))
        await line(first)
        assert await line(first) == "leads 1"
        # Longer than a leader's own beats, or it would be taken for silent before it is frozen.
        second = await stack.enter_async_context(process(dsn, silent_s=3))
        await line(second)

        first.send_signal(signal.SIGSTOP)
        assert await line(second) == "leads 2"
        first.send_signal(signal.SIGCONT)

        assert (await line(first)).startswith("lost")
    assert await pool.fetchval("SELECT count(*) FROM loop_epochs WHERE ended_at IS NULL") == 1
    assert await pool.fetchval(GAPS) == 0


async def test_a_tick_that_fails_breaks_or_hangs_ends_itself_and_no_other(pool: Pool) -> None:
    async def fails(_at: datetime) -> str:
        raise OperatorNeeded("the feed's host is unknown.", mend="Correct its address.")

    async def breaks(_at: datetime) -> str:
        raise KeyError("a defect of ours")

    async def hangs(_at: datetime) -> str:
        await asyncio.Event().wait()
        return "never"

    async def works(_at: datetime) -> str:
        return "worked"

    epoch = await pool.fetchval("INSERT INTO loop_epochs (holder) VALUES ('a:1') RETURNING epoch")
    runner = Runner(pool, epoch, lambda: AT)
    runs = {"a": fails, "b": breaks, "c": hangs, "d": works}
    await runner.want([Schedule("watch", key, 60, run, 0.05) for key, run in runs.items()])

    assert await runner.run_due(AT) == 4

    rows = {row.scope: row for row in await loop.list_(pool)}
    assert {key: row.state for key, row in rows.items()} == {
        "a": "failed",
        "b": "failed",
        "c": "failed",
        "d": "done",
    }
    assert "unknown" in (rows["a"].note or "")
    assert "KeyError" in (rows["b"].note or "")
    assert "longer than 0.05 s" in (rows["c"].note or "")
    assert rows["d"].note == "worked"
    assert await runner.next_slot() is not None
    assert await runner.run_due(AT) == 0
    assert await runner.run_due(AT + timedelta(minutes=2)) == 0, "its clock says that it is early"


async def test_each_schedule_is_woken_at_its_own_slots(settings: Settings) -> None:
    async def works(_at: datetime) -> str:
        return "worked"

    stop = asyncio.Event()
    wanted = [Schedule("watch", scope, 0.7, works) for scope in "abc"]
    async with open_office(settings) as office, asyncio.TaskGroup() as group:
        pool = office.database.pool
        group.create_task(lead_the_loop(office, lambda: wanted, stop))

        # Far sooner than somebody looks whether an alarm was lost.
        ticks = "SELECT min(n) >= 4 FROM (SELECT count(*) AS n FROM loop_ticks GROUP BY scope) AS t"
        await until(partial(pool.fetchval, ticks))
        stop.set()
        covered = await pool.fetchval("SELECT max(covered) FROM loop_ticks")
    assert covered < 10, "woken at the slots, not once for many of them"


async def test_feeds_that_do_not_answer_keep_nothing_else_from_its_time(pool: Pool) -> None:
    held, watched = asyncio.Event(), asyncio.Event()

    async def hangs(_at: datetime) -> str:
        await held.wait()
        return "read"

    async def watches(_at: datetime) -> str:
        watched.set()
        return "there is room"

    epoch = await pool.fetchval("INSERT INTO loop_epochs (holder) VALUES ('a:1') RETURNING epoch")
    runner = Runner(pool, epoch, lambda: AT, at_once=2)
    feeds = [Schedule("watch", str(n), 60, hangs) for n in range(5)]
    await runner.want([*feeds, Schedule("disk", "", 60, watches)])

    async with asyncio.TaskGroup() as group:
        for feed in feeds:
            group.create_task(runner.settle(feed.name, feed.scope))
        assert await runner.settle("disk", "") == 1
        assert watched.is_set()
        held.set()


async def test_a_loop_that_is_cancelled_leads_no_more(settings: Settings) -> None:
    async with open_office(settings) as office:
        pool = office.database.pool
        leading = asyncio.create_task(
            lead_the_loop(office, partial(lineup_of, office), asyncio.Event())
        )

        async def leads() -> bool:
            found = await loop.look(pool)
            return found is not None and found.ended_at is None

        await until(leads)
        leading.cancel()
        await asyncio.wait({leading})

        assert not await leads()


async def test_the_real_loop_leads_settles_everything_and_lets_go_at_the_stop(
    settings: Settings,
) -> None:
    stop = asyncio.Event()
    async with open_office(settings) as office, asyncio.TaskGroup() as group:
        group.create_task(lead_the_loop(office, partial(lineup_of, office), stop))

        async def all_settled() -> bool:
            rows = await loop.list_(office.database.pool)
            return bool(rows) and all(row.state in ("done", "failed") for row in rows)

        await until(all_settled)
        rows = await loop.list_(office.database.pool)
        stop.set()

        async def is_over() -> bool:
            leader = await loop.look(office.database.pool)
            return leader is not None and leader.ended_at is not None

        await until(is_over)
    assert {row.state for row in rows} == {"done"}, [row.note for row in rows]
    assert {"plan", "outbox"} <= {row.name for row in rows}
