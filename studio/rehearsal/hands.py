"""One worker that takes what is due from the real queue and carries it on, entry by entry.

The studio's own worker waits in real time and is counted dead by its heartbeats: a clock that
jumps by hours would kill it with every jump. So a rehearsal takes the entries itself, in the
queue's own order and by the library's own statements, and hands each to the very code that the
worker hands it to.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import get_args

import procrastinate
from procrastinate.jobs import Status

from bookai.models import Capability
from graphs.queues import EVERY_QUEUE
from studio.engine import POOL_S
from studio.rehearsal.clock import Clock
from studio.wiring import Studio

CAPABILITIES = get_args(Capability)
LOOK_S = 0.05
"""How often, in real seconds, it is looked whether work has turned into waiting."""


@dataclass(slots=True)
class Hands:
    """Works on one entry at a time."""

    house: Studio
    clock: Clock
    app: procrastinate.App

    async def take_one(self) -> bool:
        """Carry on the job of the next entry that is due; False when none is."""
        manager = self.app.job_manager
        worker = await manager.register_worker()
        try:
            entry = await manager.fetch_job(queues=None, worker_id=worker)
            if entry is None:
                return False
            job_id = int(str(entry.task_kwargs["job_id"]))
            try:
                await self._carry(job_id)
            finally:
                await manager.finish_job(entry, Status.SUCCEEDED, delete_job=True)
            return True
        finally:
            await manager.unregister_worker(worker)

    async def _carry(self, job_id: int) -> None:
        """Work on a job; where it waits for an agent that pauses, let the pause go by.

        Whoever waits does not work: the clock would stand still, and the pause never end.
        """
        house = self.house
        router, dispatcher = house.members.router, house.members.dispatcher
        work = asyncio.create_task(
            house.office.engine.work(house.production.advance, job_id, EVERY_QUEUE)
        )
        try:
            while not (await asyncio.wait({work}, timeout=LOOK_S))[0]:
                if any(dispatcher.waiting(capability) for capability in CAPABILITIES):
                    at = router.next_change(self.clock.at.timestamp())
                    if at is not None:
                        await self.clock.jump(datetime.fromtimestamp(at, UTC))
                    dispatcher.wake()
            await work
        finally:
            work.cancel()
            await asyncio.wait({work})


@asynccontextmanager
async def open_hands(house: Studio, clock: Clock) -> AsyncIterator[Hands]:
    """Lend a worker on the studio's queue."""
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            conninfo=house.office.engine.dsn, min_size=1, max_size=1, timeout=POOL_S
        )
    )
    async with app.open_async():
        yield Hands(house, clock, app)
