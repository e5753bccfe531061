"""Read the leaves with their events in pages, ahead of whoever checks them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from bookai.db.pool import Con, Pool

PAGE = 2000
"""Leaves a page: an event has 64 KiB at most, and a few pages are in memory at once."""

READERS = 2
READ_S = 600.0

SELECT_LEAVES = """
SELECT l.leaf_index, l.event_id, l.leaf, e.id,
       CASE WHEN isfinite(e.at) THEN (extract(epoch FROM e.at) * 1000000)::bigint ELSE 0 END,
       e.kind, e.actor, e.job_id, e.body, e.xid::text::bigint
  FROM audit_leaf l
  LEFT JOIN audit_log e ON e.id = l.event_id
 WHERE l.leaf_index >= $1
   AND l.leaf_index < $2
 ORDER BY l.leaf_index
"""
COUNT_LEAVES = "SELECT coalesce(max(leaf_index) + 1, 0) FROM audit_leaf"
EXPORT_SNAPSHOT = "SELECT pg_export_snapshot()"

Page = list[Any]


async def count_leaves(con: Con) -> int:
    """Return where the leaves end."""
    found: int = await con.fetchval(COUNT_LEAVES)
    return found


@asynccontextmanager
async def each_page(
    pool: Pool, con: Con, start: int, stop: int
) -> AsyncIterator[AsyncIterator[Page]]:
    """Lend the pages of the leaves from `start` to before `stop`, in the snapshot of `con`.

    Other connections of the pool read ahead in the same snapshot, each every second page.
    """
    async with AsyncExitStack() as stack:
        readers: list[Con] = []
        if stop - start > PAGE and pool.get_max_size() > READERS:
            snapshot = await con.fetchval(EXPORT_SNAPSHOT)
            for _ in range(READERS):
                readers.append(await stack.enter_async_context(_reader(pool, snapshot)))
        starts = range(start, stop, PAGE)
        queues: list[asyncio.Queue[Page]] = [asyncio.Queue(2) for _ in readers or [con]]
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        for number, (reader, queue) in enumerate(zip(readers or [con], queues, strict=True)):
            mine = starts[number :: len(queues)]
            tasks.create_task(_read(reader, queue, mine, stop))

        async def pages() -> AsyncIterator[Page]:
            for number in range(len(starts)):
                yield await queues[number % len(queues)].get()

        yield pages()


@asynccontextmanager
async def _reader(pool: Pool, snapshot: str) -> AsyncIterator[Con]:
    async with (
        pool.acquire() as con,
        con.transaction(isolation="repeatable_read", readonly=True),
    ):
        # No parameters are possible here; the server made this name.
        await con.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        yield con


async def _read(con: Con, queue: asyncio.Queue[Page], starts: range, stop: int) -> None:
    for start in starts:
        end = min(start + PAGE, stop)
        await queue.put(await con.fetch(SELECT_LEAVES, start, end, timeout=READ_S))
