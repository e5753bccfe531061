"""What the database no longer needs: ticks, past slots, checkpoints and media of ended jobs.

All of it is removed in one transaction with the event that says so. Jobs are locked in it: one that
is taken up again at that moment keeps what it has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bookai.db.jobs import ENDED
from bookai.db.pool import Con, Pool

THREAD = "job-"
"""Before a job's number in the name of its LangGraph thread."""

# A job's media stay while anybody may still ask for them: an open question, an approval that was
# not used, a post that is not certainly out.
_SPENT = """
       j.job_id = ANY ($1::bigint[])
   AND j.status = ANY ($2::text[])
   AND j.updated_at < $3
   AND NOT EXISTS (SELECT FROM social_posts p
                    WHERE p.job_id = j.job_id
                      AND (p.state IN ('sending', 'unknown')
                           OR (p.state <> 'posted' AND j.status <> 'cancelled')))
   AND NOT EXISTS (SELECT FROM approvals a
                    WHERE a.job_id = j.job_id
                      AND a.state IN ('pending', 'approved')
                      AND NOT EXISTS (SELECT FROM social_posts p
                                       WHERE p.job_id = j.job_id
                                         AND p.state = 'posted'))
"""
SELECT_SPENT = f"SELECT j.job_id FROM video_jobs j WHERE {_SPENT} ORDER BY j.job_id"  # noqa: S608  # a constant of ours
LOCK_SPENT = f"{SELECT_SPENT} FOR NO KEY UPDATE OF j SKIP LOCKED"
# From the checkpoints, not from the jobs: those of years are many, threads are soon removed.
SELECT_THREADS = """
SELECT c.thread_id
  FROM (SELECT thread_id, count(*) AS n
          FROM checkpoints
         WHERE thread_id ~ '^job-[0-9]{1,18}$'
         GROUP BY thread_id) c
  JOIN video_jobs j ON j.job_id = substr(c.thread_id, 5)::bigint
 WHERE j.status = ANY ($1::text[])
   AND j.updated_at < $2
   AND c.n > $3
 ORDER BY j.job_id
 LIMIT $4
"""
LOCK_THREADS = """
SELECT 'job-' || j.job_id AS thread_id
  FROM video_jobs j
 WHERE 'job-' || j.job_id = ANY ($1::text[])
   AND j.job_id = ANY ($2::bigint[])
   AND j.status = ANY ($3::text[])
   FOR UPDATE OF j SKIP LOCKED
"""
DELETE_CHECKPOINTS = "DELETE FROM checkpoints WHERE thread_id = ANY ($1::text[])"
DELETE_BLOBS = "DELETE FROM checkpoint_blobs WHERE thread_id = ANY ($1::text[])"
DELETE_WRITES = "DELETE FROM checkpoint_writes WHERE thread_id = ANY ($1::text[])"
# The newest of each schedule stays, however old: it says when that was last done.
DELETE_TICKS = """
WITH old AS (
    SELECT t.name, t.scope, t.slot
      FROM loop_ticks t
     WHERE t.state <> 'running'
       AND t.began_at < $1
       AND EXISTS (SELECT FROM loop_ticks l
                    WHERE (l.name, l.scope) = (t.name, t.scope)
                      AND l.slot > t.slot)
     ORDER BY t.began_at
     LIMIT $2
), gone AS (
    DELETE FROM loop_ticks t
     USING old
     WHERE (t.name, t.scope, t.slot) = (old.name, old.scope, old.slot)
    RETURNING 1
)
SELECT count(*) FROM gone
"""
# The log keeps who had which slot. A job that has not ended keeps its own, however late it is, and
# one that is being taken up again at this moment does too.
DELETE_SLOTS = """
WITH old AS (
    SELECT s.job_id
      FROM publish_slots s
      JOIN video_jobs j ON j.job_id = s.job_id
     WHERE s.slot_at < $1
       AND j.status = ANY ($2::text[])
     ORDER BY s.slot_at
     LIMIT $3
       FOR NO KEY UPDATE OF j SKIP LOCKED
), gone AS (
    DELETE FROM publish_slots s
     USING old
     WHERE s.job_id = old.job_id
    RETURNING 1
)
SELECT count(*) FROM gone
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """So many jobs at most that ended before a moment."""

    before: datetime
    most: int


async def spent_jobs(pool: Pool, ids: Sequence[int], ended: Ended) -> tuple[int, ...]:
    """Return which of these jobs need their media no more, oldest first."""
    rows = await pool.fetch(SELECT_SPENT, list(ids), list(ENDED), ended.before)
    return tuple(row["job_id"] for row in rows[: ended.most])


async def lock_spent(con: Con, ids: Sequence[int], ended: Ended) -> tuple[int, ...]:
    """Return which of these jobs still need their media no more, locked for the transaction."""
    rows = await con.fetch(LOCK_SPENT, list(ids), list(ENDED), ended.before)
    return tuple(row["job_id"] for row in rows)


async def threads(pool: Pool, ended: Ended, *, longer_than: int = 0) -> tuple[str, ...]:
    """Return threads of ended jobs that have more than `longer_than` checkpoints."""
    rows = await pool.fetch(SELECT_THREADS, list(ENDED), ended.before, longer_than, ended.most)
    return tuple(row["thread_id"] for row in rows)


async def delete_threads(con: Con, named: Sequence[str]) -> int:
    """Remove threads whose jobs are ended still, in the caller's transaction; return how many.

    A job that is taken up again later begins at the start and finds done what it has done.
    """
    ids = [int(name.removeprefix(THREAD)) for name in named]
    rows = await con.fetch(LOCK_THREADS, list(named), ids, list(ENDED))
    locked = [row["thread_id"] for row in rows]
    for statement in (DELETE_WRITES, DELETE_BLOBS, DELETE_CHECKPOINTS):
        await con.execute(statement, locked)
    return len(locked)


async def delete_ticks(con: Con, before: datetime, most: int) -> int:
    """Remove what the loop wrote down before a moment, in the caller's transaction."""
    gone: int = await con.fetchval(DELETE_TICKS, before, most)
    return gone


async def delete_slots(con: Con, ended: Ended) -> int:
    """Remove slots before a moment whose jobs have ended, in the caller's transaction."""
    gone: int = await con.fetchval(DELETE_SLOTS, ended.before, list(ENDED), ended.most)
    return gone
