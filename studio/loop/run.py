"""Do what is due: the part of the loop that knows no clock and no scheduler."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bookai.db import loop
from bookai.db.pool import DATABASE_ERRORS, Pool
from bookai.errors import BookAIError
from studio.loop.schedule import Schedule
from studio.loop.together import Together
from studio.watching.ticking import Outcome, ticking

logger = logging.getLogger(__name__)

Key = tuple[str, str]
OUTSIDE = frozenset({"watch", "stats", "links"})
"""What waits for others' servers."""
INSIDE = 4


@dataclass(slots=True)
class Runner:
    """Settles slots under one epoch of the loop's leadership; `clock` tells the time, aware UTC.

    At most `at_once` ticks that ask the world outside run side by side, and `INSIDE` others: feeds
    that do not answer must not keep the disk from being watched.
    """

    pool: Pool
    epoch: int
    clock: Callable[[], datetime]
    at_once: int = 8
    _wanted: dict[Key, Schedule] = field(default_factory=dict, init=False)
    _locks: defaultdict[Key, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock), init=False
    )
    _woken: set[Key] = field(default_factory=set, init=False)
    _claims: Together[Key, loop.Tick | None] = field(init=False)
    _endings: Together[loop.Ending, None] = field(init=False)
    _outside: asyncio.Semaphore = field(init=False)
    _inside: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        """Make room for the ticks."""
        self._claims, self._endings = Together(self._claim_all), Together(self._finish_all)
        self._outside = asyncio.Semaphore(self.at_once)
        self._inside = asyncio.Semaphore(INSIDE)

    async def want(self, schedules: Iterable[Schedule]) -> frozenset[Key]:
        """Make these the schedules that are run; return which are new here."""
        wanted = {(one.name, one.scope): one for one in schedules}
        rows = [loop.Planned(one.name, one.scope, one.every_s) for one in wanted.values()]
        # Not while slots are claimed: both lock rows of many schedules.
        async with self._claims.turn:
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
        if self._locks[key].locked():
            self._woken.add(key)
            return 0
        count = 0
        async with self._locks[key]:
            while (schedule := self._wanted.get(key)) is not None:
                self._woken.discard(key)
                async with self._room(name):
                    tick = await self._claims.ask(key)
                    if tick is None:
                        if key in self._woken:
                            continue  # its slot came while it was being asked for
                        break
                    ending = await self._do(schedule, tick)
                # Outside: the next tick begins while this one is written down with others.
                await self._endings.ask(ending)
                count += 1
                # It may have taken longer than its distance to the next slot.
                if tick.until > self.clock() and key not in self._woken:
                    break
        return count

    async def take_up(self) -> int:
        """Do again what earlier leaders left half done, and what failed and would wait for long.

        Raises:
            Deposed: another process leads.
        """
        left = await loop.take_left(self.pool, self.epoch, self.clock())
        failed = await loop.take_failed(self.pool, self.epoch, self.clock())
        async with asyncio.TaskGroup() as group:
            for tick in (*left, *failed):
                group.create_task(self._again(tick))
        return len(left) + len(failed)

    async def _again(self, tick: loop.Tick) -> None:
        # Its schedule's newer slot may be at work: two of one schedule never run side by side.
        async with self._locks[tick.name, tick.scope]:
            async with self._room(tick.name):
                schedule = self._wanted.get((tick.name, tick.scope))
                if schedule is None:
                    ending = loop.Ending(tick, "failed", self.clock(), "it is not wanted any more")
                else:
                    ending = await self._do(schedule, tick)
            await self._endings.ask(ending)
        if (tick.name, tick.scope) in self._woken:
            await self.settle(tick.name, tick.scope)

    def _room(self, name: str) -> asyncio.Semaphore:
        return self._outside if name in OUTSIDE else self._inside

    async def _do(self, schedule: Schedule, tick: loop.Tick) -> loop.Ending:
        with ticking(tick, schedule.every_s, self.clock()) as ending:
            ending.outcome, note = await self._run(schedule)
        if ending.outcome == "done":
            return loop.Ending(tick, "done", self.clock(), note)
        logger.warning(
            "Tick %s %s failed: %s",
            schedule.name,
            schedule.scope,
            note,
            extra={"action": "tick_failed"},
        )
        return loop.Ending(tick, "failed", self.clock(), note)

    async def _run(self, schedule: Schedule) -> tuple[Outcome, str]:
        """Run it once; say how it ended, and what came of it."""
        limit = asyncio.timeout(schedule.timeout_s)
        try:
            async with limit:
                return "done", await schedule.run(self.clock())
        except TimeoutError as error:
            if limit.expired():
                return "timeout", f"it took longer than {schedule.timeout_s:g} s"
            return "failed", f"something it waited for took too long ({error})"
        except (BookAIError, OSError, *DATABASE_ERRORS) as error:
            return "failed", str(error) or type(error).__name__
        except Exception as error:
            # The door of a tick: a defect ends this tick with a reason, not the whole loop.
            logger.exception("Tick %s broke", schedule.name, extra={"action": "tick_broke"})
            told = f"something broke inside ({type(error).__name__}); the studio's log has it"
            return "failed", told

    async def _claim_all(self, keys: Sequence[Key]) -> Sequence[loop.Tick | None]:
        return await loop.claim_all(self.pool, keys, self.clock(), self.epoch)

    async def _finish_all(self, endings: Sequence[loop.Ending]) -> Sequence[None]:
        await loop.finish_all(self.pool, endings, self.epoch)
        return [None] * len(endings)
