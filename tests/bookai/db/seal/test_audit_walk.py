"""Long logs: read in pages, by several connections, for as long as it takes."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from bookai.db import audit
from bookai.db import pool as pool_module
from bookai.db.pool import open_pool
from bookai.db.seal import pages
from tests.bookai.db.seal.sealed import check, fill

IDLE_FOR = """
SELECT EXISTS (SELECT
                 FROM pg_stat_activity
                WHERE datname = current_database()
                  AND state = 'idle in transaction'
                  AND clock_timestamp() - state_change > make_interval(secs => $1))
"""


@pytest.mark.parametrize("page", [7, 50])
async def test_many_pages_are_read_in_order_by_several_connections(
    pool: asyncpg.Pool, notes: Path, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(pages, "PAGE", page)
    await fill(pool, notes, seals=5, each=20)
    await audit.append(pool, "tick", "studio", {})

    report = await check(pool, notes)

    assert (report.ok, report.sealed, report.unsealed) == (True, 100, 1)


async def test_one_connection_reads_all_pages_where_there_are_no_more(
    dsn: str, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE", 5)
    async with open_pool(dsn, size=2) as pool:
        await fill(pool, notes)

        assert (await check(pool, notes)).sealed == 12


async def test_a_long_walk_outlasts_the_limit_on_idle_transactions(
    pool: asyncpg.Pool,
    dsn: str,
    attacker: asyncpg.Connection,
    notes: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pages, "PAGE", 5)
    await fill(pool, notes)
    monkeypatch.setattr(pool_module, "IDLE_S", 0.3)

    async with (
        open_pool(dsn, size=4) as ours,
        asyncio.TaskGroup() as group,
        attacker.transaction(),
    ):
        # Who reads pages waits for this; whoever lent them the snapshot is idle meanwhile.
        await attacker.execute("LOCK TABLE audit_log")
        report = group.create_task(check(ours, notes))
        await until_idle_for(pool, 0.6)

    assert report.result().ok


async def test_an_export_that_is_read_slowly_outlasts_that_limit(
    pool: asyncpg.Pool, dsn: str, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(pool, notes, seals=1)
    monkeypatch.setattr(pool_module, "IDLE_S", 0.3)

    async with open_pool(dsn, size=1) as ours:
        events = audit.stream(ours, audit.Wanted())
        first = await anext(events)
        await until_idle_for(pool, 0.6)
        rest = [event async for event in events]

    assert [event.event_id for event in (first, *rest)] == [1, 2, 3, 4]


async def until_idle_for(pool: asyncpg.Pool, seconds: float) -> None:
    """Return when some transaction of another session has been idle for so long."""
    async with asyncio.timeout(4):
        while not await pool.fetchval(IDLE_FOR, seconds):
            pass
