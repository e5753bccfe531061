"""Carry one job while somebody watches: the worker runs in this process, the display reads rows.

The display polls the job's row, so it also shows progress that another process makes: a running
loop may well take the job first.
"""

import asyncio
import time
from collections.abc import Callable

from bookai.db import jobs
from bookai.db.jobs import JobRow
from bookai.db.pool import Pool
from bookai.db.runs import recovery
from studio.engine import Engine, lock_of
from studio.turn import AdvanceJob

POLL_S = 0.2

STAGES = (
    ("scout", "choosing the story"),
    ("write", "writing the script"),
    ("edit", "editing"),
    ("match_offers", "matching offers"),
    ("render", "voice and pictures"),
    ("check", "checking the file"),
    ("package", "preparing the post"),
    ("approval", "asking you"),
    ("publish", "publishing"),
    ("report", "reading it back"),
    ("done", "done"),
)

Watch = Callable[[JobRow, float], None]


async def carry(
    engine: Engine,
    advance: AdvanceJob,
    pool: Pool,
    job_id: int,
    until: frozenset[str],
    watch: Watch,
) -> JobRow:
    """Work until the job has a status of `until`, or has to be tried again later; return its row.

    `watch(row, elapsed_s)` is called a few times a second.
    """
    await recovery.release_dead(pool, lock_of(job_id))
    before = await jobs.get(pool, job_id)
    if before.status not in until:
        async with pool.acquire() as con, con.transaction():
            # Wherever its entry waits, it is ours now: this process works on nothing else.
            await engine.enqueue(con, job_id, foreground=True)
    stop = asyncio.Event()
    started = time.monotonic()
    async with asyncio.TaskGroup() as group:
        group.create_task(engine.serve(advance, 1, stop, only=job_id))
        try:
            while True:
                row = await jobs.get(pool, job_id)
                watch(row, time.monotonic() - started)
                if row.status in until or _was_put_off(row, before):
                    return row
                await asyncio.sleep(POLL_S)
        finally:
            stop.set()


def _was_put_off(row: JobRow, before: JobRow) -> bool:
    """Tell a job that is queued for a later try from one that was not begun."""
    return row.status == "queued" and row.reason is not None and row.updated_at > before.updated_at
