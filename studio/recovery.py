"""Looking after the queue: one of all processes takes up what dead and frozen workers left."""

import logging

from bookai.db import queue
from bookai.db.pool import Pool
from bookai.db.runs import recovery, standing
from bookai.metrics import (
    QUEUE_DEPTH,
    QUEUE_OLDEST,
    QUEUE_RUNNING,
    RUNS_RECOVERED,
    WORKERS_ALIVE,
)
from graphs.queues import QUEUES
from studio.engine import FORGET_WORKER_S, LOCK_PREFIX, Engine

logger = logging.getLogger(__name__)

DEAD_AFTER_S = 30.0
"""Six missed heartbeats: shorter limits took jobs from workers of a machine under load."""

KEEP_FAILED_S = 7 * 86400.0


async def recover(pool: Pool, engine: Engine, dead_after_s: float = DEAD_AFTER_S) -> int:
    """Queue again what nobody works on any more; return how many jobs that were.

    One process at a time does it, in one transaction; for the others there is nothing to do.
    """
    async with pool.acquire() as con, con.transaction():
        if not await recovery.is_my_turn(con):
            return 0
        released = await recovery.release_left(con, dead_after_s)
        stranded = await standing.list_stranded(con, LOCK_PREFIX, dead_after_s)
        for job_id in stranded:
            await engine.enqueue(con, job_id)
        await recovery.release_unwatched(con, dead_after_s)
        await recovery.prune(con, ended_s=KEEP_FAILED_S, silent_s=FORGET_WORKER_S)
    found = released + len(stranded)
    if found:
        RUNS_RECOVERED.inc(found)
        logger.warning("Took up %s abandoned jobs", found, extra={"action": "recovered"})
    return found


async def measure(pool: Pool) -> None:
    """Set the queue's metrics, for all queues, also those that are empty."""
    loads = await queue.loads(pool)
    for name in (*QUEUES, "desk"):
        load = loads.get(name, queue.Load(0, 0, 0.0))
        QUEUE_DEPTH.labels(name).set(load.waiting)
        QUEUE_RUNNING.labels(name).set(load.running)
        QUEUE_OLDEST.labels(name).set(load.oldest_s)
    WORKERS_ALIVE.set(await recovery.count_workers(pool, DEAD_AFTER_S))
