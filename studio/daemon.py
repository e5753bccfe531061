"""What runs unattended: the worker, the house-keeping and the schedule of sources."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from bookai.db import approvals, audit, memory, outbox
from bookai.db.mcp import replies
from bookai.db.pool import DATABASE_ERRORS
from bookai.db.seal import sealer
from bookai.errors import BookAIError
from bookai.models import Queue
from studio.database import seal_audit
from studio.evidence.copies import AT_ONCE, Copy, open_copies, push_due
from studio.loop.lead import lead_the_loop
from studio.loop.lineup import lineup_of
from studio.notify import notify
from studio.office import Office
from studio.recovery import measure, recover
from studio.watchdog import Check, checks_of, watchdog
from studio.wiring import Studio

logger = logging.getLogger(__name__)

SEAL_EVERY_S = 0.4
CARE_EVERY_S = 10.0
COPY_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Hands:
    """So many runs at once on these queues; without any, on all."""

    concurrency: int
    queues: tuple[Queue, ...] = ()


async def work(
    house: Studio, hands: Sequence[Hands], stop: asyncio.Event, *, schedule: bool
) -> None:
    """Carry jobs on until `stop`; with `schedule`, wait for the lead of the loop and lead it."""
    office, advance = house.office, house.production.advance
    async with watchdog(proofs_of(office)), asyncio.TaskGroup() as group:
        group.create_task(keep_house(office, stop))
        for some in hands:
            group.create_task(
                office.engine.serve(advance, some.concurrency, stop, queues=some.queues)
            )
        if schedule:
            group.create_task(lead_the_loop(office, partial(lineup_of, office), stop))


def proofs_of(office: Office) -> Mapping[str, Check]:
    """Return what a process must prove before it tells systemd that it works."""
    return checks_of(office.database.pool, office.engine.pulse)


async def keep_house(office: Office, stop: asyncio.Event) -> None:
    """Seal the audit log twice a second and more; look after the rest each ten seconds."""
    copies = open_copies(office.settings)
    async with asyncio.TaskGroup() as group:
        turn = asyncio.Semaphore(AT_ONCE)
        for copy in copies:
            group.create_task(_every(COPY_EVERY_S, partial(_copy, office, copy, turn), stop))
        group.create_task(_every(SEAL_EVERY_S, lambda: _seal(office), stop))
        group.create_task(_every(CARE_EVERY_S, lambda: _care(office), stop))
        notify("READY=1")
        await stop.wait()
        notify("STOPPING=1")


async def _every(
    interval_s: float, tick: Callable[[], Awaitable[None]], stop: asyncio.Event
) -> None:
    while not stop.is_set():
        try:
            await tick()
        except (BookAIError, OSError, *DATABASE_ERRORS):
            # A statement that takes too long is a TimeoutError, and that an OSError. Tried again at
            # the next tick, and the log says what was wrong. When Postgres stays away, the worker
            # ends with its reason and systemd starts us anew.
            logger.exception("A tick failed", extra={"action": "tick_failed"})
        with suppress(TimeoutError):
            async with asyncio.timeout(interval_s):
                await stop.wait()


async def _seal(office: Office) -> None:
    try:
        await seal_audit(office.database, office.settings)
    except (BookAIError, OSError, *DATABASE_ERRORS):
        # Then the gauge must say how far behind we fall; the door above says why.
        await sealer.measure(office.database.pool)
        raise


async def _copy(office: Office, copy: Copy, turn: asyncio.Semaphore) -> None:
    """Bring the newest checkpoint to one place outside; a slow one holds up nobody else."""
    await push_due(office.database.pool, [copy], office.clock(), turn=turn)


async def _care(office: Office) -> None:
    """Look after what nobody else does; one that fails does not keep the others from it."""
    pool = office.database.pool
    cares: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: recover(pool, office.engine),
        office.desk.expire_approvals,
        lambda: measure(pool),
        lambda: approvals.count_pending(pool),  # sets its own gauge
        lambda: audit.make_room(pool),
        lambda: outbox.note_silent(pool),
        lambda: memory.forget_silent(pool),
        lambda: replies.forget(pool),
    )
    for care in cares:
        try:
            await care()
        except (BookAIError, OSError, *DATABASE_ERRORS):
            # As with every tick: the log says what was wrong, and it is tried again.
            logger.exception("House-keeping failed", extra={"action": "care_failed"})
