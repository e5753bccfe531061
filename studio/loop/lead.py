"""Lead the loop when nobody else does, and wake each schedule at its slots."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from bookai.db import loop
from bookai.db.pool import DATABASE_ERRORS
from bookai.errors import BookAIError
from studio.channels.settling import Settler
from studio.loop.run import Key, Runner
from studio.loop.schedule import Schedule
from studio.office import Office
from studio.watching.ticking import leading

logger = logging.getLogger(__name__)
# Two lines a tick that tell nothing which `bookai ticks` does not.
logging.getLogger("apscheduler").setLevel(logging.WARNING)

BEAT_S = 2.0
LOOK_S = 30.0
AGAIN_S = 1.0

Lineup = Callable[[], Iterable[Schedule]]
"""What is wanted now: channels and sources come and go while the loop runs."""


async def lead_the_loop(office: Office, lineup: Lineup, stop: asyncio.Event) -> None:
    """Wait for the lead, run the schedules while it lasts, and wait again, until `stop`."""
    stopped = asyncio.create_task(stop.wait())
    try:
        while not stop.is_set():
            turn = asyncio.create_task(_lead_once(office, lineup))
            try:
                await asyncio.wait({turn, stopped}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                turn.cancel()
                await asyncio.wait({turn})
            if stop.is_set() or turn.cancelled():
                continue
            _tell(turn.exception())
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_S):
                    await stop.wait()
    finally:
        stopped.cancel()


def _tell(error: BaseException | None) -> None:
    """Say why the lead was lost; what is no trouble of the database or another leader goes up."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if error is None:
        return
    if not isinstance(error, (BookAIError, OSError, *DATABASE_ERRORS)):
        raise error
    logger.warning("The lead of the loop was lost: %s", error, extra={"action": "lead_lost"})


async def _lead_once(office: Office, lineup: Lineup) -> None:
    database = office.database
    holder = f"{socket.gethostname()}:{os.getpid()}"
    async with loop.lead(database.dsn, database.pool, holder) as epoch:
        logger.info("This process leads the loop", extra={"action": "leads", "epoch": epoch})
        runner = Runner(database.pool, epoch, office.clock, office.settings.loop.at_once)
        settler = Settler(database.pool, office.settings.home / "studio.toml")
        with leading(epoch):
            async with asyncio.TaskGroup() as group, _Alarms(runner, group) as alarms:
                await alarms.set(lineup())
                group.create_task(_beat(office, epoch))
                # Not a task: the alarms last for as long as this block.
                await _look_again(runner, alarms, lineup, group, settler)


async def _beat(office: Office, epoch: int) -> None:
    while True:
        await loop.beat(office.database.pool, epoch)
        await asyncio.sleep(BEAT_S)


async def _look_again(
    runner: Runner,
    alarms: "_Alarms",
    lineup: Lineup,
    group: asyncio.TaskGroup,
    settler: Settler,
) -> None:
    while True:
        # What others left may take minutes: new channels do not wait for that.
        group.create_task(_take_up(runner))
        await settler.look()
        await asyncio.sleep(LOOK_S)
        await alarms.set(lineup())


async def _take_up(runner: Runner) -> None:
    await runner.take_up()


class _AtSlots(BaseTrigger):  # type: ignore[misc]  # the library gives it no types
    """Fires at the slots of a schedule; an interval would keep the shift of its beginning."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Return the slot after the last one."""
        one = self._schedule
        return loop.after(one.name, one.scope, one.every_s, previous_fire_time or now)


@dataclass(slots=True)
class _Alarms:
    """APScheduler wakes a schedule at its slots; the database says whether it is really due.

    So a fire too many does nothing, and one too few is made up for by the next.
    """

    runner: Runner
    group: asyncio.TaskGroup
    _scheduler: AsyncIOScheduler | None = None

    async def __aenter__(self) -> "_Alarms":
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._scheduler.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)

    async def set(self, schedules: Iterable[Schedule]) -> None:
        """Make these the schedules that are woken: new ones at once, the others keep their time."""
        assert self._scheduler is not None, "entered"
        wanted = {(one.name, one.scope): one for one in schedules}
        new = await self.runner.want(wanted.values())
        rows = {(row.name, row.scope): row for row in await loop.list_(self.runner.pool)}
        for key, row in rows.items():
            if row.next_slot <= self.runner.clock():  # its alarm was lost, say by a clock set back
                self.group.create_task(self._settle(*key))
        known = {job.id for job in self._scheduler.get_jobs()}
        for key, schedule in wanted.items():
            if key in new or _id(key) not in known or self._is_other(key, schedule):
                # On the grid of the slots; the first slot of all, off it, is settled above.
                next_slot = loop.after(*key, schedule.every_s, self.runner.clock())
                self._scheduler.add_job(
                    self._wake,
                    _AtSlots(schedule),
                    args=key,
                    id=_id(key),
                    name=str(schedule.every_s),
                    replace_existing=True,
                    next_run_time=next_slot,
                    coalesce=True,
                    max_instances=1,
                    misfire_grace_time=None,
                )
        for gone in known - {_id(key) for key in wanted}:
            self._scheduler.remove_job(gone)

    def _is_other(self, key: Key, schedule: Schedule) -> bool:
        assert self._scheduler is not None, "entered"
        job = self._scheduler.get_job(_id(key))
        return job is None or job.name != str(schedule.every_s)

    async def _wake(self, name: str, scope: str) -> None:
        # In the group: a leader that was deposed ends everything that it runs. A coroutine, as
        # APScheduler runs plain functions in threads.
        self.group.create_task(self._settle(name, scope))

    async def _settle(self, name: str, scope: str) -> None:
        await self.runner.settle(name, scope)


def _id(key: Key) -> str:
    return "\0".join(key)
