"""Open the members: what all processes learned so far, then beats out and outcomes in.

Who reaches agents elsewhere adds them to what this lends: `members.join`, `beat`, `leave`.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from random import Random

from agents.base import Agent
from bookai.db import memory
from bookai.db.memory import BEAT_S, Memory
from bookai.db.pool import DATABASE_ERRORS, Pool
from bookai.errors import BookAIError
from bookai.metrics import AGENTS, RETRY_TOKENS
from graphs.members import Members, on_duty, steady

logger = logging.getLogger(__name__)

FAREWELL_S = 2.0


def new_place(rng: Random) -> str:
    """Return a name for this process that no other has, nor will have: host, pid and a number."""
    return f"{socket.gethostname()[:100]}:{os.getpid()}:{rng.getrandbits(32):08x}"


@asynccontextmanager
async def open_members(  # a database, a crew and its clocks
    dsn: str,
    pool: Pool,
    agents: Iterable[Agent],
    now: Callable[[], datetime],
    rng: Random,
    *,
    ticks: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Members]:
    """Lend the members of this process, kept alive and up to date while they are lent.

    They begin with the past of all processes and hear of others' outcomes within two seconds.
    Their pauses are counted in `ticks`, seconds.
    """
    members = on_duty(agents, steady(now, ticks), rng, place=new_place(rng))
    await memory.beat(pool, members.place, members.beats())
    past = Memory(dsn, pool, members.place)
    members.hear(await past.recall())
    keeping = asyncio.create_task(_keep(pool, members, past), name="members")
    try:
        with AGENTS.watch(members.states):
            yield members
    finally:
        keeping.cancel()
        await asyncio.wait({keeping})
        with suppress(BookAIError, OSError, *DATABASE_ERRORS):
            async with asyncio.timeout(FAREWELL_S):
                await memory.leave(pool, members.place)


async def _keep(pool: Pool, members: Members, past: Memory) -> None:
    while True:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(past.follow(members.hear))
                group.create_task(_beat(pool, members))
        except* Exception:
            # A door: without beats every process would take these agents for dead.
            logger.exception("Keeping the agents broke", extra={"action": "crew_broke"})
        await asyncio.sleep(BEAT_S)


async def _beat(pool: Pool, members: Members, every_s: float = BEAT_S) -> None:
    while True:
        await asyncio.sleep(every_s)
        members.breathe()
        RETRY_TOKENS.labels("step").set(members.budget.tokens)
        try:
            await memory.beat(pool, members.place, members.beats())
        except (BookAIError, OSError, *DATABASE_ERRORS) as error:
            logger.warning(
                "The agents' beat could not be written (%s)",
                type(error).__name__,
                extra={"action": "beat_failed"},
            )
