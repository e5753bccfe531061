"""The work queue's seam: procrastinate on one machine and on many, an inline twin for tests.

A run's steps happen only inside a queue job that is locked by the run's thread id, while the
process holds the run's advisory lock in Postgres, and under a fence: the checkpointer has no lock
of its own, and a lock does not stop a process that was frozen and comes back.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Protocol

import procrastinate
from procrastinate.app import WorkerOptions
from procrastinate.connector import BaseConnector
from procrastinate.jobs import Job
from procrastinate.manager import JobManager

from bookai.db import queue
from bookai.db.pool import DATABASE_ERRORS, Con, Pool, Unreachable
from bookai.db.runs import standing
from bookai.db.runs.fence import Fenced
from bookai.errors import BookAIError, OperatorNeeded, Refused, TryLater
from bookai.models import Queue
from graphs.queues import EVERY_QUEUE
from studio.turn import AdvanceJob, Now, Turn, utc_now
from studio.watchdog.pulse import Hand, Pulse

logger = logging.getLogger(__name__)

TASK = "advance_job"
LOCK_PREFIX = "job-"
STOP_S = 60.0
WATCHED_STOP_S = 5.0
BEAT_S = 5.0
# A worker row is kept longer than any freeze we expect: without it a worker cannot take a job.
FORGET_WORKER_S = 3600.0
# A run that is handed over is announced while its old entry still has the lock: the receiver looks
# in vain then, and finds it at its next look.
POLL_S = 0.5
# How long the queue's own pool tries to connect before it says that Postgres is away.
POOL_S = 5.0
QUICK_END_S = 2.0


def lock_of(job_id: int) -> str:
    """Return the name of a job's lock: its thread id in the graph."""
    return f"{LOCK_PREFIX}{job_id}"


def desk_queue(job_id: int) -> str:
    """Return the queue of a job that somebody watches: that process works on nothing else."""
    return f"{queue.DESK}{job_id}"


class Engine(Protocol):
    """What the studio asks of a work queue."""

    async def enqueue(
        self, con: Con, job_id: int, at: datetime | None = None, *, foreground: bool = False
    ) -> None:
        """Queue a job's next stretch, in the caller's transaction; once while it waits.

        It goes to the queue of the step at which the job stands, or to its own when watched.
        """

    async def serve(
        self,
        advance: AdvanceJob,
        concurrency: int,
        stop: asyncio.Event,
        *,
        queues: Sequence[Queue] = (),
        only: int | None = None,
    ) -> None:
        """Work with `advance` until `stop` is set: on `queues`, on all without any, or on one job.

        A run that comes to a step of another queue is handed over to it. Runs that are under way
        at the stop are finished first, up to `STOP_S`.
        """

    async def depth(self) -> dict[str, int]:
        """Return how many entries wait, by queue."""


@dataclass(slots=True)
class Inline:
    """The twin for tests: remembers what was queued and runs it when asked to serve.

    It waits for nothing: what is put off is simply tried again, after what is queued already.
    """

    pool: Pool
    queued: dict[int, Queue] = field(default_factory=dict)

    async def enqueue(
        self, con: Con, job_id: int, at: datetime | None = None, *, foreground: bool = False
    ) -> None:
        """Remember the job, once."""
        del at, foreground
        self.queued[job_id] = await standing.queue_of(con, job_id)

    async def serve(
        self,
        advance: AdvanceJob,
        concurrency: int,
        stop: asyncio.Event,
        *,
        queues: Sequence[Queue] = (),
        only: int | None = None,
    ) -> None:
        """Run what is queued, in order, until nothing is left that it serves or `stop` is set."""
        del concurrency
        served = frozenset(queues) or EVERY_QUEUE
        while not stop.is_set():
            mine = [
                job_id
                for job_id, name in self.queued.items()
                if name in served and only in (None, job_id)
            ]
            if not mine:
                return
            del self.queued[mine[0]]
            turn = Turn(self.pool, self.enqueue, Random(0), mine[0])
            try:
                await turn.work(advance, served)
            except Fenced as error:
                await turn.put_back(str(error), 0)

    async def depth(self) -> dict[str, int]:
        """Return how many jobs are remembered, by queue."""
        found: dict[str, int] = {}
        for name in self.queued.values():
            found[name] = found.get(name, 0) + 1
        return found


@dataclass(frozen=True, slots=True)
class Procrastinate:
    """Postgres as the queue, by the procrastinate library; `dsn` is that of the app role.

    `beat_s` is the distance of heartbeats: a sixth of the silence after which others take over.
    `pulse` tells whether the workers of this process look for work; `now` tells from when a job is
    put off, aware UTC.
    """

    dsn: str
    pool: Pool
    beat_s: float = BEAT_S
    rng: Random = field(default_factory=Random)
    pulse: Pulse = field(default_factory=Pulse)
    now: Now = utc_now

    async def enqueue(
        self, con: Con, job_id: int, at: datetime | None = None, *, foreground: bool = False
    ) -> None:
        """Queue a job's next stretch, in the caller's transaction; once while it waits."""
        lock = lock_of(job_id)
        name = desk_queue(job_id) if foreground else await standing.queue_of(con, job_id)
        entry = queue.Entry(
            task=TASK, args={"job_id": job_id}, queue=name, lock=lock, once=lock, at=at
        )
        await queue.enqueue(con, entry)

    async def serve(
        self,
        advance: AdvanceJob,
        concurrency: int,
        stop: asyncio.Event,
        *,
        queues: Sequence[Queue] = (),
        only: int | None = None,
    ) -> None:
        """Work with `advance` until `stop` is set: on `queues`, on all without any, or on one job.

        Runs that are under way at the stop are finished first, up to `STOP_S`; later ones are
        queued again. A worker that lost its place in the database, after an hour's freeze or a
        restart of Postgres, registers anew.

        Raises:
            OperatorNeeded: the queue cannot be reached any more.
        """
        listen = [desk_queue(only)] if only is not None else list(queues)
        options: WorkerOptions = {
            "concurrency": concurrency,
            "install_signal_handlers": False,
            "fetch_job_polling_interval": POLL_S,
            "update_heartbeat_interval": self.beat_s,
            "stalled_worker_timeout": FORGET_WORKER_S,
            "shutdown_graceful_timeout": STOP_S if only is None else WATCHED_STOP_S,
            "delete_jobs": "successful",
        }
        if listen:
            options["queues"] = listen
        served = EVERY_QUEUE if only is not None else frozenset(queues) or EVERY_QUEUE
        while not stop.is_set():
            began = time.monotonic()
            error = await self._serve_once(advance, served, options, stop)
            if stop.is_set():
                return
            if time.monotonic() - began < QUICK_END_S or not await self._answers():
                # A worker that is gone while nobody asked for it would leave a live daemon idle.
                raise OperatorNeeded(
                    f"the queue's worker ended by itself ({type(error).__name__}).",
                    mend="Is Postgres there? bookai doctor",
                ) from error
            logger.warning(
                "The queue's worker ended (%s): it registers anew",
                type(error).__name__,
                extra={"action": "worker_again"},
            )

    async def depth(self) -> dict[str, int]:
        """Return how many entries wait, by queue."""
        return await queue.depth(self.pool)

    async def _serve_once(
        self,
        advance: AdvanceJob,
        served: frozenset[Queue],
        options: WorkerOptions,
        stop: asyncio.Event,
    ) -> BaseException | None:
        """Run one worker until `stop` or until it ends by itself; return what ended it."""
        app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                conninfo=self.dsn, min_size=1, max_size=4, timeout=POOL_S
            )
        )

        hand = Hand(options["concurrency"])
        app.job_manager = _Looking(app.connector, hand)

        @app.task(name=TASK)
        async def advance_job(job_id: int) -> None:
            with hand.busy():
                await self.work(advance, job_id, served)

        async with app.open_async():
            worker = asyncio.create_task(app.run_worker_async(**options))
            stopping = asyncio.create_task(stop.wait())
            try:
                with self.pulse.watching(hand):
                    await asyncio.wait({worker, stopping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopping.cancel()
                worker.cancel()
                await asyncio.wait({worker})
            return None if worker.cancelled() else worker.exception()

    async def _answers(self) -> bool:
        try:
            await self.pool.fetchval("SELECT 1", timeout=POOL_S)
        except (BookAIError, TimeoutError, OSError, *DATABASE_ERRORS):
            return False
        return True

    async def work(self, advance: AdvanceJob, job_id: int, queues: frozenset[Queue]) -> None:
        """Carry one job on as far as `queues` go; whatever ends that, the job is not lost."""
        turn = Turn(self.pool, self.enqueue, self.rng, job_id, self.now)
        try:
            await self._take_turn(turn, advance, queues)
        except Fenced as error:
            await self._leave(turn, error)

    async def _take_turn(self, turn: Turn, advance: AdvanceJob, queues: frozenset[Queue]) -> None:
        """Hold the job's lock and work.

        Raises:
            Fenced: another process has the job.
        """
        job_id = turn.job_id
        try:
            async with queue.hold_running(self.dsn, lock_of(job_id)):
                await turn.work(advance, queues)
        except Fenced:
            raise
        except TryLater as error:
            # Another process has the job, or Postgres took the lock away. Neither is the job's
            # fault, so it costs no try.
            await self._leave(turn, error)
        except asyncio.CancelledError:
            # The worker stops and could not wait for the end: others may go on at once.
            with suppress(BookAIError, OSError, *DATABASE_ERRORS):
                await asyncio.shield(turn.put_back("this worker stops", 0))
            raise
        except (Unreachable, TimeoutError, *DATABASE_ERRORS) as error:
            logger.exception("The database failed job %s", job_id, extra={"action": "job_broke"})
            await turn.put_off(f"the database failed ({type(error).__name__}).", POOL_S)
        except Refused:
            logger.warning("There is no job %s to work on", job_id, exc_info=True)
        except Exception as error:
            # The door of the worker: a defect ends this job with a reason, not the worker.
            logger.exception("Job %s broke", job_id, extra={"action": "job_broke"})
            reason = f"something broke inside ({type(error).__name__}); the studio's log has it"
            await turn.fail(f"{reason}. Try again: bookai make --resume {job_id}")

    async def _leave(self, turn: Turn, error: TryLater) -> None:
        await turn.put_back(str(error), error.after_s)
        if isinstance(error, Fenced | queue.LockLost):
            # Our entry is gone with the job. procrastinate complains of that when this task ends,
            # and nobody would hear it but asyncio's alarm about an error that was never read.
            task = asyncio.current_task()
            if task is not None:
                task.add_done_callback(_hush)


class _Looking(JobManager):
    """Notes on the worker's hand each time that it asks for work."""

    def __init__(self, connector: BaseConnector, hand: Hand) -> None:
        super().__init__(connector)
        self._hand = hand

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        self._hand.looks()
        return await super().fetch_job(queues, worker_id)


def _hush(task: asyncio.Task[None]) -> None:
    _ = task.cancelled() or task.exception()
