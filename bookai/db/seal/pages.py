"""Read the leaves with their events in pages, ahead of whoever checks them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from bookai.db.pool import Con, Pool, reading

PAGE = 2000
"""Leaves a page: an event has 64 KiB at most, and a few pages are in memory at once."""

READERS = 2
READ_S = 600.0

_TOP = 2**63 - 1

# A time that no microsecond count can name was put there by hand: 0 makes the event look changed.
SELECT_LEAVES = """
SELECT l.leaf_index, l.event_id, l.leaf, e.id,
       CASE WHEN isfinite(e.at) AND e.at < '294000-01-01'
            THEN (extract(epoch FROM e.at) * 1000000)::bigint ELSE 0 END,
       e.kind, e.actor, e.job_id, e.body, e.xid::text::bigint
  FROM audit_leaf l
  LEFT JOIN audit_log e ON e.id = l.event_id
 WHERE l.leaf_index > $1
   AND l.leaf_index <= $2
 ORDER BY l.leaf_index
"""
# By what is there, not by number: one leaf planted far out must not make us count up to it.
SELECT_NTH = """
SELECT leaf_index
  FROM audit_leaf
 WHERE leaf_index > $1
 ORDER BY leaf_index
OFFSET $2 - 1
 LIMIT 1
"""
EXPORT_SNAPSHOT = "SELECT pg_export_snapshot()"

Page = list[Any]


@asynccontextmanager
async def each_page(pool: Pool, con: Con, start: int) -> AsyncIterator[AsyncIterator[Page]]:
    """Lend the pages of the leaves from `start` on, in the snapshot of `con`.

    Other connections of the pool read ahead in the same snapshot, each every second page.
    """
    after = start - 1
    async with AsyncExitStack() as stack:
        readers: list[Con] = []
        if pool.get_max_size() > READERS and await _nth(con, after, PAGE + 1) is not None:
            snapshot = await con.fetchval(EXPORT_SNAPSHOT)
            for _ in range(READERS):
                readers.append(await stack.enter_async_context(_reader(pool, snapshot)))
        readers = readers or [con]
        queues: list[asyncio.Queue[Page]] = [asyncio.Queue(2) for _ in readers]
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        for number, (reader, queue) in enumerate(zip(readers, queues, strict=True)):
            tasks.create_task(_read(reader, queue, after, number, len(readers)))

        async def pages() -> AsyncIterator[Page]:
            number, is_last = 0, False
            while not is_last:
                page = await queues[number % len(queues)].get()
                number, is_last = number + 1, len(page) < PAGE
                yield page

        yield pages()


@asynccontextmanager
async def _reader(pool: Pool, snapshot: str) -> AsyncIterator[Con]:
    async with reading(pool) as con:
        # No parameters are possible here; the server made this name.
        await con.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        yield con


async def _read(con: Con, queue: asyncio.Queue[Page], after: int, skip: int, step: int) -> None:
    """Queue every `step`th page after the leaf `after`, first skip `skip`; a short page ends."""
    while True:
        begin = await _nth(con, after, skip * PAGE) if skip else after
        if begin is None:
            await queue.put([])
            return
        end = await _nth(con, begin, PAGE)
        after = _TOP if end is None else end
        page = await con.fetch(SELECT_LEAVES, begin, after, timeout=READ_S)
        await queue.put(page)
        if len(page) < PAGE:
            return
        skip = step - 1


async def _nth(con: Con, after: int, number: int) -> int | None:
    """Return the place of the `number`th leaf after the place `after`."""
    found: int | None = await con.fetchval(SELECT_NTH, after, number, timeout=READ_S)
    return found
