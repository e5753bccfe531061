"""One leader among any number of processes: who holds an advisory lock in Postgres.

The server drops the lock with the connection, so a killed leader is followed within a second or
two. A frozen one keeps its connection: whoever waits ends that when the leader has been silent for
`SILENT_S`. Each leader gets an epoch of its own, and the rows refuse what an earlier one writes.
"""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from bookai.db import audit
from bookai.db.pool import DATABASE_ERRORS, Con, Pool, connect
from bookai.db.queue import KEEPALIVES, broken_off_when_closed
from bookai.errors import TryLater

LOCK = "bookai-loop"
BEAT_S = 2.0
SILENT_S = 20.0
WAIT_S = 1.0
CLOSE_S = 5.0

TRY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
UNLOCK = "SELECT pg_advisory_unlock(hashtextextended($1, 0))"
END_OTHERS = "UPDATE loop_epochs SET ended_at = clock_timestamp() WHERE ended_at IS NULL"
INSERT_EPOCH = "INSERT INTO loop_epochs (holder) VALUES ($1) RETURNING epoch"
BEAT = """
UPDATE loop_epochs
   SET seen_at = clock_timestamp()
 WHERE epoch = $1
   AND ended_at IS NULL
RETURNING epoch
"""
# A shared lock: many transactions hold it at once, and the next leader waits until they are over.
HOLD = "SELECT epoch FROM loop_epochs WHERE epoch = $1 AND ended_at IS NULL FOR SHARE"
END = "UPDATE loop_epochs SET ended_at = clock_timestamp() WHERE epoch = $1 AND ended_at IS NULL"
# A bigint key shows in pg_locks as two halves. The leader says something on its lock's connection
# every BEAT_S seconds, so the server knows how long it has been silent, whatever its epoch says.
EVICT_SILENT = """
SELECT pg_terminate_backend(l.pid)
  FROM pg_locks l
  JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'advisory'
   AND l.granted
   AND l.objsubid = 1
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended($1, 0)
   AND a.state_change < pg_catalog.clock_timestamp() - make_interval(secs => $2)
"""
SELECT_LEADER = """
SELECT epoch, holder, began_at, seen_at, ended_at,
       extract(epoch FROM clock_timestamp() - seen_at)::float8 AS silent_s
  FROM loop_epochs
 ORDER BY epoch DESC
 LIMIT 1
"""


class Deposed(TryLater):
    """Another process leads the loop now: what this one still writes is refused."""


@dataclass(frozen=True, slots=True)
class Leader:
    """Who leads or led last; `silent_s` seconds ago it was heard of."""

    epoch: int
    holder: str
    began_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    silent_s: float

    @property
    def is_alive(self) -> bool:
        """Tell whether it leads and was heard of lately."""
        return self.ended_at is None and self.silent_s < SILENT_S


@asynccontextmanager
async def lead(
    dsn: str, pool: Pool, holder: str, *, wait_s: float = WAIT_S, silent_s: float = SILENT_S
) -> AsyncIterator[int]:
    """Wait until nobody leads, then lead while the block runs; lend the epoch.

    It looks every `wait_s` seconds. `dsn` must lead to Postgres itself: behind a pooler that hands
    connections round, two would lead.

    Raises:
        LockLost: the block was cancelled because the server does not hold the lock any more.
        OperatorNeeded: Postgres does not answer.
    """
    con = await connect(dsn, server_settings={**KEEPALIVES, "application_name": "bookai loop"})
    try:
        while not await con.fetchval(TRY_LOCK, LOCK):
            await con.execute(EVICT_SILENT, LOCK, silent_s)
            await asyncio.sleep(wait_s)
        async with broken_off_when_closed(con, LOCK):
            epoch = await _begin(pool, holder)
            heard = asyncio.create_task(_keep_talking(con))
            try:
                yield epoch
            finally:
                heard.cancel()
                await asyncio.wait({heard})
                # A database that is gone forgets us by itself: the next leader ends our epoch.
                with suppress(TimeoutError, OSError, *DATABASE_ERRORS):
                    await asyncio.shield(pool.execute(END, epoch, timeout=CLOSE_S))
        with suppress(OSError, *DATABASE_ERRORS):
            await con.execute(UNLOCK, LOCK, timeout=CLOSE_S)
    finally:
        with suppress(TimeoutError, OSError, *DATABASE_ERRORS):
            await con.close(timeout=CLOSE_S)


async def _keep_talking(con: Con) -> None:
    """Let the server hear of us until it does not answer: then the block is broken off anyway."""
    with suppress(TimeoutError, OSError, *DATABASE_ERRORS):
        while True:
            await asyncio.sleep(BEAT_S)
            await con.execute("SELECT", timeout=CLOSE_S)


async def _begin(pool: Pool, holder: str) -> int:
    async with pool.acquire() as con, con.transaction():
        await con.execute(END_OTHERS)
        epoch: int = await con.fetchval(INSERT_EPOCH, holder)
        await audit.append(con, "loop.led", "studio", {"epoch": epoch, "holder": holder})
    return epoch


async def beat(db: Pool | Con, epoch: int) -> None:
    """Say that the leader of this epoch is alive.

    Raises:
        Deposed: another one leads.
    """
    if await db.fetchval(BEAT, epoch) is None:
        raise _deposed(epoch)


async def hold(con: Con, epoch: int) -> None:
    """Keep others from leading until the caller's transaction is over.

    Raises:
        Deposed: another one leads.
    """
    if await con.fetchval(HOLD, epoch) is None:
        raise _deposed(epoch)


def _deposed(epoch: int) -> Deposed:
    return Deposed(
        f"the loop's epoch {epoch} is over: another process leads.", after_s=math.ceil(WAIT_S)
    )


async def look(db: Pool | Con) -> Leader | None:
    """Return who leads, or who led last; None when nobody ever did."""
    row = await db.fetchrow(SELECT_LEADER)
    return Leader(**row) if row else None
