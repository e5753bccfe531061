"""One turn: a worker takes a job, carries it as far as it may, and says what comes next."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from bookai import tracing
from bookai.db import audit, control, jobs
from bookai.db.pool import DATABASE_ERRORS, Con, Pool
from bookai.db.runs import standing
from bookai.db.runs.fence import Fence, Fenced, take
from bookai.errors import BookAIError
from bookai.metrics import QUEUE_RETRIES, RUNS_FENCED
from bookai.models import Queue
from graphs.advance import Advance

logger = logging.getLogger(__name__)

MAX_TRIES = 5
MAX_UNHEARD = 5
LONGEST_WAIT_S = 900.0
JITTER = 0.2
WATCH_S = 1.0
"""How often a run looks whether its job is still its own."""

AdvanceJob = Callable[[int, Fence, frozenset[Queue]], Coroutine[Any, Any, Advance]]
Enqueue = Callable[[Con, int, datetime | None], Awaitable[None]]
Now = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time, aware UTC."""
    return datetime.now(UTC)


def wait_s(after_s: float, tries: int, rng: Random) -> float:
    """Return how long to wait before the next try, `tries` having been made.

    It doubles from `after_s` up to `LONGEST_WAIT_S`, but is never less than `after_s`: a platform
    that says when its quota is reset means it. Jitter only adds, so that many that failed
    together do not come back together.
    """
    grown_s = min(after_s * 2.0 ** (tries - 1), LONGEST_WAIT_S)
    return max(after_s, grown_s) * (1 + JITTER * rng.random())


@dataclass(slots=True)
class Turn:
    """A worker's turn at a job. The caller holds the job's lock while `work` runs, not after."""

    pool: Pool
    enqueue: Enqueue
    rng: Random
    job_id: int
    now: Now = utc_now
    fence: Fence | None = field(default=None, init=False)

    async def work(self, advance: AdvanceJob, queues: frozenset[Queue]) -> None:
        """Take the job, advance it, and queue whatever comes next.

        Raises:
            Fenced: another process took the job; end with `put_back`.
        """
        fence = self.fence = await take(self.pool, self.job_id)
        if await standing.has_ended(self.pool, self.job_id):
            # Its worker died between the end and telling the queue so.
            await standing.hear(self.pool, fence)
            return
        if await standing.count_unheard(self.pool, self.job_id) > MAX_UNHEARD:
            await self.fail(
                f"{MAX_UNHEARD} workers took it and were not heard of again. Look into their logs, "
                f"then try again: bookai make --resume {self.job_id}"
            )
            return
        hold = await control.held(self.pool, self.job_id)
        if hold is not None:
            await self._wait_for(hold)
            return
        with tracing.span("turn", self.job_id):
            result = await self._watched(advance(self.job_id, fence, queues), fence)
        if result.hand_over is not None:
            async with fence.writing(self.pool) as con:
                await standing.hand_over(con, self.job_id, result.hand_over)
                await self.enqueue(con, self.job_id, None)
        elif result.held:
            until = self.now() + timedelta(seconds=result.again_after_s or control.LOOK_AGAIN_S)
            await self._wait_for(control.Held(result.reason or "held", until))
        elif result.again_after_s is not None:
            await self.put_off(result.reason or "not yet", result.again_after_s)
        else:
            await standing.hear(self.pool, fence)

    async def _watched(self, advance: Coroutine[Any, Any, Advance], fence: Fence) -> Advance:
        """Carry the job on while it is ours: a step may take minutes, and the job be cancelled.

        Raises:
            Fenced: it was cancelled, or another process took it; the run has ended.
        """
        run, watch = asyncio.ensure_future(advance), asyncio.create_task(self._lost(fence))
        try:
            await asyncio.wait({run, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not run.done():
                raise watch.result()
            return run.result()
        finally:
            run.cancel()
            watch.cancel()
            await asyncio.wait({run, watch})

    async def _lost(self, fence: Fence) -> Fenced:
        """Return once the job is no longer ours."""
        while True:
            await asyncio.sleep(WATCH_S)
            try:
                await fence.check(self.pool)
            except Fenced as fenced:
                return fenced
            except (BookAIError, OSError, *DATABASE_ERRORS):
                continue  # the run's own writes find out whether the database is gone

    async def _wait_for(self, hold: control.Held) -> None:
        """Queue the job for later, no try counted, and let its row say what it waits for."""
        at = hold.until or self.now() + timedelta(seconds=control.LOOK_AGAIN_S)
        async with self._writing() as con:
            await control.note_held(con, self.job_id, hold.why)
            if self.fence is not None:
                await standing.hear(con, self.fence)
            await self.enqueue(con, self.job_id, at)

    async def put_off(self, reason: str, after_s: float) -> None:
        """Count the try; queue the next one with growing distance, or give up.

        A job that came to its end meanwhile is left alone.

        Raises:
            Fenced: another process took the job.
        """
        async with self._writing() as con:
            if await standing.has_ended(con, self.job_id):
                return
            tries = await standing.count_try(con, self.job_id)
            if tries >= MAX_TRIES:
                reason = (
                    f"gave up after {tries} tries: {reason} "
                    f"To try again: bookai make --resume {self.job_id}"
                )
                await jobs.set_status(con, self.job_id, "failed", reason=reason)
                return
            QUEUE_RETRIES.labels(await standing.queue_of(con, self.job_id)).inc()
            at = self.now() + timedelta(seconds=wait_s(after_s, tries, self.rng))
            await self.enqueue(con, self.job_id, at)

    async def put_back(self, why: str, after_s: float) -> None:
        """Queue the job again without counting a try; when it was taken from us, only say so."""
        at = self.now() + timedelta(seconds=after_s)
        async with self.pool.acquire() as con, con.transaction():
            try:
                if self.fence is not None:
                    await self.fence.hold(con)
            except Fenced as fenced:
                body = {"job_id": self.job_id, "why": str(fenced)}
                await audit.append(con, "run.fenced", "studio", body)
                RUNS_FENCED.inc()
                why = str(fenced)
            else:
                if self.fence is not None:
                    await standing.hear(con, self.fence)
                if not await standing.has_ended(con, self.job_id):
                    await self.enqueue(con, self.job_id, at)
        logger.warning("Left job %s: %s", self.job_id, why, extra={"action": "job_left"})

    async def fail(self, reason: str) -> None:
        """End the job with a reason, unless it came to its end already.

        Raises:
            Fenced: another process took the job.
        """
        async with self._writing() as con:
            if await standing.has_ended(con, self.job_id):
                return
            await jobs.set_status(con, self.job_id, "failed", reason=reason)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[Con]:
        async with self.pool.acquire() as con, con.transaction():
            if self.fence is not None:
                await self.fence.hold(con)
            yield con
