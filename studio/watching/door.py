"""The door at which a process can be watched: one for each, and one address that outlives them.

Each process listens at a port of its own: the first at the one of the settings, the others at the
next that are free. When the process goes that had the first one, another listens there as well
within ten seconds. It keeps its own too, so that its series go on under the name they had.
"""

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Literal

from bookai.db import processes
from bookai.db.pool import DATABASE_ERRORS, Pool
from bookai.db.processes import Kind, Process
from bookai.errors import BookAIError
from bookai.settings import Settings
from studio.watching.answers import Answers
from studio.watching.health import LOOK_S, Health, Heart
from studio.watching.listening import HOST, Listener, listen, listen_near, this_host
from studio.watching.numbers import measure

logger = logging.getLogger(__name__)

EVERY_S = 10.0
LAST_WORDS_S = 2.0


@dataclass(slots=True)
class Door:
    """A process as others see it; `port` is None where it shows nothing."""

    kind: Kind | Literal["agents"]
    name: str
    host: str
    _own: Listener | None = None
    _first: Listener | None = None
    _others: tuple[Process, ...] = ()
    _heard_at: float = field(default=float("-inf"))

    @property
    def port(self) -> int | None:
        """The port that is this process's own."""
        return self._own.port if self._own else None

    @property
    def ports(self) -> tuple[int, ...]:
        """Every port at which it answers."""
        return tuple(one.port for one in (self._own, self._first) if one)

    def targets(self) -> list[Mapping[str, object]] | None:
        """Return the processes on this machine as Prometheus's HTTP discovery wants them.

        Each listens on loopback, so those of other machines are told by their own doors.
        """
        if self._heard_at == float("-inf"):
            return None if self.kind != "agents" else [_target(self.kind, self.port)]
        if monotonic() - self._heard_at > processes.FORGET_S:
            return None
        return [
            _target(one.kind, one.metrics_port)
            for one in self._others
            if one.host == self.host and one.metrics_port
        ]

    async def tell(self, pool: Pool) -> None:
        """Say that this process lives and where it answers, and hear of the others."""
        if self.kind == "agents":
            return
        self._others = await processes.beat(pool, self.name, self.kind, self.host, self.port)
        self._heard_at = monotonic()

    async def open(self, settings: Settings, answers: Answers) -> None:
        """Listen at a port of its own."""
        if settings.metrics_port:
            self._own = await asyncio.to_thread(listen_near, settings.metrics_port, answers)
        if self._own:
            logger.info(
                "Metrics at http://%s:%s/metrics", HOST, self.port, extra={"action": "metrics"}
            )

    async def take_first(self, settings: Settings, answers: Answers) -> None:
        """Listen at the first port as well, where nobody does any more."""
        first = settings.metrics_port
        if first == 0 or first in self.ports:
            return
        self._first = await asyncio.to_thread(listen, first, answers)
        if self._first:
            logger.info(
                "Metrics at port %s too: whoever had it is gone",
                first,
                extra={"action": "metrics_port_taken_over"},
            )

    async def close(self) -> None:
        """Stop listening."""
        for one in (self._own, self._first):
            if one:
                await asyncio.to_thread(one.close)


@asynccontextmanager
async def open_door(
    settings: Settings,
    kind: Kind | Literal["agents"],
    health: Health,
    *,
    every_s: float = EVERY_S,
) -> AsyncIterator[Door]:
    """Let this process be watched: metrics, health, readiness, and where the others are.

    It is answered in threads, so also while the event loop hangs: then it says just that.
    """
    host = this_host()
    door = Door(kind, f"{host}/{kind}/{os.getpid()}-{secrets.token_hex(3)}", host)
    heart = Heart()
    answers = Answers(health, heart, asyncio.get_running_loop(), door.targets)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(door.close)
        await door.open(settings, answers)
        if health.pool is not None and kind != "agents":
            stack.push_async_callback(_forget, health.pool, door)
        look = _Lookout(settings, health, door, answers, every_s)
        tasks = [asyncio.create_task(heart.beat()), asyncio.create_task(look.keep())]
        stack.push_async_callback(_end, tasks)
        yield door


@dataclass(slots=True)
class _Lookout:
    """What a watched process does every ten seconds; none of it may end the process."""

    settings: Settings
    health: Health
    door: Door
    answers: Answers
    every_s: float
    _lost: bool = False

    async def keep(self) -> None:
        while True:
            await self._once()
            await asyncio.sleep(self.every_s)

    async def _once(self) -> None:
        try:
            await self.door.take_first(self.settings, self.answers)
            await self.health.look()
            await self._tell()
        except Exception:
            # A door: whatever breaks here must break neither the process nor the next turn.
            logger.exception("A turn of watching broke", extra={"action": "watch_broke"})

    async def _tell(self) -> None:
        if self.health.pool is None:
            return
        try:
            async with asyncio.timeout(self.every_s + LOOK_S):
                await self.door.tell(self.health.pool)
                await measure(self.settings, self.health.pool)
        except (BookAIError, OSError, *DATABASE_ERRORS) as error:
            # Said once: /readyz says it as long as it lasts.
            if not self._lost:
                logger.warning(
                    "The database could not be asked how the studio stands (%s)",
                    type(error).__name__,
                    extra={"action": "watch_failed"},
                )
            self._lost = True
        else:
            self._lost = False


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()):
            logger.error("Watching broke off", exc_info=error, extra={"action": "watch_broke"})


async def _forget(pool: Pool, door: Door) -> None:
    with suppress(BookAIError, OSError, *DATABASE_ERRORS):
        async with asyncio.timeout(LAST_WORDS_S):
            await processes.forget(pool, door.name)


def _target(kind: str, port: int | None) -> Mapping[str, object]:
    return {"targets": [f"{HOST}:{port}"] if port else [], "labels": {"process": kind}}
