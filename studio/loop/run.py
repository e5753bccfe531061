"""Do what is due: the part of the loop that knows no clock and no scheduler."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bookai.db import loop
from bookai.db.pool import DATABASE_ERRORS, Pool
from bookai.errors import BookAIError
from studio.loop.schedule import Schedule

logger = logging.getLogger(__name__)

Key = tuple[str, str]


@dataclass(slots=True)
class Runner:
    """Settles slots under one epoch of the loop's leadership; `clock` tells the time, aware UTC.

    At most `at_once` ticks run side by side.
    """

    pool: Pool
    epoch: int
    clock: Callable[[], datetime]
    at_once: int = 8
    _wanted: dict[Key, Schedule] = field(default_factory=dict, init=False)
    _busy: set[Key] = field(default_factory=set, init=False)
    _room: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        """Make room for the ticks."""
        self._room = asyncio.Semaphore(self.at_once)

    async def want(self, schedules: Iterable[Schedule]) -> frozenset[Key]:
        """Make these the schedules that are run; return which are new here."""
        wanted = {(one.name, one.scope): one for one in schedules}
        rows = [loop.Planned(one.name, one.scope, one.every_s) for one in wanted.values()]
        await loop.sync(self.pool, rows, self.clock())
        new = frozenset(wanted) - frozenset(self._wanted)
        self._wanted = wanted
        return new

    async def next_slot(self) -> datetime | None:
        """Return when something is due next."""
        return await loop.next_slot(self.pool)

    async def run_due(self, at: datetime) -> int:
        """Settle everything that is due at `at`, one after the other; return how many ticks.

        Raises:
            Deposed: another process leads.
        """
        rows = sorted(await loop.list_(self.pool), key=lambda row: (row.next_slot, row.name))
        due = [row for row in rows if row.next_slot <= at and (row.name, row.scope) in self._wanted]
        return sum([await self.settle(row.name, row.scope) for row in due])

    async def settle(self, name: str, scope: str) -> int:
        """Do what is due of one schedule; return how many ticks: 0 when nothing was, or it runs.

        Raises:
            Deposed: another process leads.
        """
        key = (name, scope)
        if key in self._busy or key not in self._wanted:
            return 0
        self._busy.add(key)
        count = 0
        try:
            # A tick may take longer than its distance to the next.
            while (schedule := self._wanted.get(key)) is not None:
                async with self._room:
                    tick = await loop.claim(self.pool, name, scope, self.clock(), self.epoch)
                    if tick is None:
                        break
                    await self._do(schedule, tick)
                count += 1
        finally:
            self._busy.discard(key)
        return count

    async def take_up(self) -> int:
        """Do again what earlier leaders left half done, and what failed and would wait for long.

        Raises:
            Deposed: another process leads.
        """
        left = await loop.take_left(self.pool, self.epoch, self.clock())
        failed = await loop.take_failed(self.pool, self.epoch, self.clock())
        for tick in (*left, *failed):
            schedule = self._wanted.get((tick.name, tick.scope))
            if schedule is None:
                await self._finish(tick, "failed", "it is not wanted any more")
                continue
            async with self._room:
                await self._do(schedule, tick)
        return len(left) + len(failed)

    async def _do(self, schedule: Schedule, tick: loop.Tick) -> None:
        state: Literal["done", "failed"] = "failed"
        try:
            async with asyncio.timeout(schedule.timeout_s):
                note = await schedule.run(self.clock())
            state = "done"
        except TimeoutError:
            note = f"it took longer than {schedule.timeout_s:g} s"
        except (BookAIError, OSError, *DATABASE_ERRORS) as error:
            note = str(error) or type(error).__name__
        except Exception as error:
            # The door of a tick: a defect ends this tick with a reason, not the whole loop.
            logger.exception("Tick %s broke", schedule.name, extra={"action": "tick_broke"})
            note = f"something broke inside ({type(error).__name__}); the studio's log has it"
        if state == "failed":
            logger.warning(
                "Tick %s %s failed: %s",
                schedule.name,
                schedule.scope,
                note,
                extra={"action": "tick_failed"},
            )
        await self._finish(tick, state, note)

    async def _finish(self, tick: loop.Tick, state: Literal["done", "failed"], note: str) -> None:
        await loop.finish(self.pool, tick, self.epoch, state, self.clock(), note)
