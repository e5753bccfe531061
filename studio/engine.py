"""The work queue's seam: procrastinate on one machine and on many, an inline twin for tests.

A run's steps happen only inside a queue job that is locked by the run's thread id, and while the
process holds the run's advisory lock in Postgres: the checkpointer has no lock of its own.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import procrastinate
from procrastinate.app import WorkerOptions

from bookai.db import jobs, queue
from bookai.db.pool import Con, Pool
from bookai.errors import OperatorNeeded, TryLater
from graphs.production import Advance

logger = logging.getLogger(__name__)

TASK = "advance_job"
QUEUE = "graph"
LOCK_PREFIX = "job-"
MAX_TRIES = 5
LONGEST_WAIT_S = 900.0
STOP_S = 60.0
WATCHED_STOP_S = 5.0

AdvanceJob = Callable[[int], Awaitable[Advance]]


def lock_of(job_id: int) -> str:
    """Return the name of a job's lock: its thread id in the graph."""
    return f"{LOCK_PREFIX}{job_id}"


def desk_queue(job_id: int) -> str:
    """Return the queue of a job that somebody watches: that process works on nothing else."""
    return f"desk-{job_id}"


def _entry(job_id: int, *, foreground: bool = False, at: datetime | None = None) -> queue.Entry:
    lock = lock_of(job_id)
    return queue.Entry(
        task=TASK,
        args={"job_id": job_id},
        queue=desk_queue(job_id) if foreground else QUEUE,
        lock=lock,
        once=lock,
        at=at,
    )


class Engine(Protocol):
    """What the studio asks of a work queue."""

    async def enqueue(self, con: Con, job_id: int, *, foreground: bool = False) -> None:
        """Queue a job's next stretch, in the caller's transaction; once while it waits."""

    async def serve(
        self, advance: AdvanceJob, concurrency: int, stop: asyncio.Event, *, only: int | None = None
    ) -> None:
        """Work with `advance` until `stop` is set, on all jobs or `only` on one that is watched.

        Jobs that run are finished first, up to `STOP_S`.
        """

    async def depth(self) -> dict[str, int]:
        """Return how many entries wait, by queue."""


class Inline:
    """The twin for tests: remembers what was queued and runs it when asked to serve."""

    def __init__(self) -> None:
        self.queued: list[int] = []

    async def enqueue(self, con: Con, job_id: int, *, foreground: bool = False) -> None:
        """Remember the job, once."""
        del con, foreground
        if job_id not in self.queued:
            self.queued.append(job_id)

    async def serve(
        self, advance: AdvanceJob, concurrency: int, stop: asyncio.Event, *, only: int | None = None
    ) -> None:
        """Run what is queued, in order, until nothing is left or `stop` is set."""
        del concurrency, only
        while self.queued and not stop.is_set():
            await advance(self.queued.pop(0))

    async def depth(self) -> dict[str, int]:
        """Return how many jobs are remembered."""
        return {QUEUE: len(self.queued)}


@dataclass(frozen=True, slots=True)
class Procrastinate:
    """Postgres as the queue, by the procrastinate library; `dsn` is that of the app role."""

    dsn: str
    pool: Pool

    async def enqueue(self, con: Con, job_id: int, *, foreground: bool = False) -> None:
        """Queue a job's next stretch, in the caller's transaction; once while it waits."""
        await queue.enqueue(con, _entry(job_id, foreground=foreground))

    async def serve(
        self, advance: AdvanceJob, concurrency: int, stop: asyncio.Event, *, only: int | None = None
    ) -> None:
        """Work with `advance` until `stop` is set, on all jobs or `only` on one that is watched.

        Jobs that run are finished first, up to `STOP_S`; later ones are found by `list_stranded`.

        Raises:
            OperatorNeeded: the queue cannot be reached any more.
        """
        app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(conninfo=self.dsn, min_size=1, max_size=4)
        )

        @app.task(name=TASK, queue=QUEUE)
        async def advance_job(job_id: int) -> None:
            await self._work(advance, job_id)

        async with app.open_async():
            options: WorkerOptions = {
                "concurrency": concurrency,
                "install_signal_handlers": False,
                "fetch_job_polling_interval": 2.0,
                "update_heartbeat_interval": 5.0,
                "shutdown_graceful_timeout": STOP_S if only is None else WATCHED_STOP_S,
                "delete_jobs": "successful",
            }
            if only is not None:
                options["queues"] = [desk_queue(only)]
            worker = asyncio.create_task(app.run_worker_async(**options))
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({worker, stopping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopping.cancel()
                worker.cancel()
                await asyncio.wait({worker})
                error = None if worker.cancelled() else worker.exception()
            if not stop.is_set():
                # A worker that is gone while nobody asked for it would leave a live daemon idle.
                raise OperatorNeeded(
                    f"the queue's worker ended by itself ({type(error).__name__}).",
                    mend="Is Postgres there? bookai doctor",
                ) from error

    async def depth(self) -> dict[str, int]:
        """Return how many entries wait, by queue."""
        found: dict[str, int] = {}
        for name, waiting in (await queue.depth(self.pool)).items():
            # One name for all watched jobs: it becomes a metric's label.
            key = "desk" if name.startswith("desk-") else name
            found[key] = found.get(key, 0) + waiting
        return found

    async def _work(self, advance: AdvanceJob, job_id: int) -> None:
        try:
            async with queue.hold_running(self.dsn, lock_of(job_id)):
                result = await advance(job_id)
        except TryLater as error:
            # Another process has the job, or Postgres took the lock away. Neither is the job's
            # fault, so it costs no try.
            logger.warning("Job %s is put off: %s", job_id, error)
            await self._again(job_id, error.after_s)
            return
        except Exception as error:
            # The door of the worker: a defect ends this job with a reason, not the worker.
            logger.exception("Job %s broke", job_id, extra={"action": "job_broke"})
            reason = f"something broke inside ({type(error).__name__}); the studio's log has it"
            await self._fail(job_id, f"{reason}. Try again: bookai make --resume {job_id}")
            return
        if result.again_after_s is not None:
            await self._put_off(job_id, result.reason or "not yet", result.again_after_s)

    async def _put_off(self, job_id: int, reason: str, after_s: float) -> None:
        """Count the try; queue the next one with growing distance, or give up."""
        async with self.pool.acquire() as con, con.transaction():
            tries = await jobs.count_try(con, job_id)
        if tries >= MAX_TRIES:
            await self._fail(
                job_id,
                f"gave up after {tries} tries: {reason} "
                f"To try again: bookai make --resume {job_id}",
            )
        else:
            await self._again(job_id, min(after_s * 2 ** (tries - 1), LONGEST_WAIT_S))

    async def _again(self, job_id: int, after_s: float) -> None:
        at = datetime.now(UTC) + timedelta(seconds=after_s)
        async with self.pool.acquire() as con, con.transaction():
            await queue.enqueue(con, _entry(job_id, at=at))

    async def _fail(self, job_id: int, reason: str) -> None:
        async with self.pool.acquire() as con, con.transaction():
            await jobs.set_status(con, job_id, "failed", reason=reason)
