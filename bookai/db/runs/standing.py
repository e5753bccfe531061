"""Where a job stands on its way: its stage, the queue of that step, its tries, and who is stuck."""

from bookai.db import audit
from bookai.db.jobs import ENDED
from bookai.db.pool import Con, Pool
from bookai.db.runs.fence import Fence
from bookai.models import Queue

BEGIN_STAGE = """
UPDATE video_jobs
   SET stage = $2, percent = 0, queue = $3, updated_at = now()
 WHERE job_id = $1
"""
UPDATE_PROGRESS = """
UPDATE video_jobs
   SET percent = $3, updated_at = now()
 WHERE job_id = $1
   AND stage = $2
   AND epoch = $4
"""
HAND_OVER = """
UPDATE video_jobs
   SET status = 'queued', queue = $2, percent = 0, reason = NULL, attempt = 0, unheard = 0,
       updated_at = now()
 WHERE job_id = $1
"""
SELECT_QUEUE = "SELECT queue FROM video_jobs WHERE job_id = $1"
SELECT_ENDED = "SELECT status = ANY($2) FROM video_jobs WHERE job_id = $1"
GET_FURTHER = "UPDATE video_jobs SET attempt = 0, unheard = 0 WHERE job_id = $1"
HEAR = "UPDATE video_jobs SET unheard = 0 WHERE job_id = $1 AND epoch = $2"
SELECT_UNHEARD = "SELECT unheard FROM video_jobs WHERE job_id = $1"
COUNT_TRY = """
UPDATE video_jobs
   SET attempt = attempt + 1, unheard = 0
 WHERE job_id = $1
RETURNING attempt
"""
# A job that should move, and that no queue entry moves: its entry was lost with a crash.
SELECT_STRANDED = """
SELECT j.job_id
  FROM video_jobs j
  LEFT JOIN approvals a ON a.approval_id = (j.record ->> 'approval_id')::bigint
 WHERE (j.status IN ('queued', 'running') OR (j.status = 'waiting' AND a.state <> 'pending'))
   AND j.updated_at < now() - make_interval(secs => $1)
   AND NOT EXISTS (SELECT FROM procrastinate_jobs p
                    WHERE p.lock = $2 || j.job_id
                      AND p.status IN ('todo', 'doing'))
 ORDER BY j.job_id
"""


async def begin_stage(con: Con, job_id: int, stage: str, queue: Queue) -> None:
    """Note at which step a job stands now, and on which queue it would be tried again."""
    await con.execute(BEGIN_STAGE, job_id, stage, queue)


async def set_progress(pool: Pool, fence: Fence, stage: str, percent: int) -> None:
    """Note how far the running stage is; not audited, a display only.

    Without effect when the job was taken by another process, or is at another stage by now.
    """
    await pool.execute(UPDATE_PROGRESS, fence.job_id, stage, percent, fence.epoch)


async def hand_over(con: Con, job_id: int, queue: Queue) -> None:
    """Put a job before the workers of `queue`, in the caller's transaction; it got further."""
    was = await queue_of(con, job_id)
    await con.execute(HAND_OVER, job_id, queue)
    body = {"job_id": job_id, "from": was, "to": queue}
    await audit.append(con, "job.handed_over", "studio", body)


async def queue_of(con: Con, job_id: int) -> Queue:
    """Return the queue of the step at which a job stands."""
    queue: Queue | None = await con.fetchval(SELECT_QUEUE, job_id)
    return queue or "graph"


async def has_ended(db: Pool | Con, job_id: int) -> bool:
    """Tell whether a job came to its end; only an operator makes it go on from there."""
    return bool(await db.fetchval(SELECT_ENDED, job_id, list(ENDED)))


async def get_further(con: Con, job_id: int) -> None:
    """Note that a step was finished: the tries that it took do not count for the next one."""
    await con.execute(GET_FURTHER, job_id)


async def hear(db: Pool | Con, fence: Fence) -> None:
    """Note that a run left its job in order; without effect when it was taken from it."""
    await db.execute(HEAR, fence.job_id, fence.epoch)


async def count_unheard(pool: Pool, job_id: int) -> int:
    """Return how often the job was taken since it got further or was left in order."""
    unheard: int = await pool.fetchval(SELECT_UNHEARD, job_id)
    return unheard


async def count_try(con: Con, job_id: int) -> int:
    """Count a try that was put off; return how many there were since the job last got further."""
    tries: int = await con.fetchval(COUNT_TRY, job_id)
    return tries


async def list_stranded(db: Pool | Con, lock_prefix: str, still_s: float) -> tuple[int, ...]:
    """Return jobs that should move, have not for `still_s`, and have no queue entry."""
    rows = await db.fetch(SELECT_STRANDED, still_s, lock_prefix)
    return tuple(row["job_id"] for row in rows)
