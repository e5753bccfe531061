"""Taking up what dead and frozen workers left behind, and clearing away what they were.

A worker is silent when its heartbeat is old. It may be dead, or frozen, or cut off: from outside
nobody can tell, so its job is taken from it, and the fence keeps it from writing if it comes back.
One that lives may have let go of a job and been unable to say so, as while Postgres was away: then
nobody holds that job's lock.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

import asyncpg

from bookai.db.pool import Con, Pool
from bookai.db.queue import DESK, Entry, enqueue

logger = logging.getLogger(__name__)

# A job without a lock of its own is judged by its worker's heartbeat alone. A worker that lives has
# as long as a silent one to lock what it has fetched.
SELECT_LEFT = """
SELECT j.id, j.task_name, j.args::text AS args, j.queue_name, j.lock, j.queueing_lock, j.priority,
       v.queue AS stands_at, s.is_silent
  FROM procrastinate_jobs j
  LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
  LEFT JOIN video_jobs v ON v.job_id = (j.args ->> 'job_id')::bigint
 CROSS JOIN LATERAL (
       SELECT w.id IS NULL OR w.last_heartbeat < now() - make_interval(secs => $2) AS is_silent) s
 WHERE j.status = 'doing'
   AND ($1::text IS NULL OR j.lock = $1)
   AND ($1::text IS NOT NULL
        OR s.is_silent
        OR (j.lock IS NOT NULL
            AND NOT EXISTS (SELECT FROM procrastinate_events e
                             WHERE e.job_id = j.id
                               AND e.type = 'started'
                               AND e.at > now() - make_interval(secs => $2))))
 ORDER BY j.id
   FOR UPDATE OF j SKIP LOCKED
"""
TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))"
# pg_locks shows a 64-bit key in two halves; whoever has our role may end our connections.
END_HOLDERS = """
SELECT count(*) FILTER (WHERE pg_terminate_backend(l.pid, 2000)) AS ended
  FROM pg_locks l
 WHERE l.locktype = 'advisory'
   AND l.granted
   AND l.objsubid = 1
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND (l.classid::bigint << 32) | l.objid::bigint = hashtextextended($1, 0)
   AND l.pid <> pg_backend_pid()
"""
SELECT_HOLDERS = """
SELECT coalesce(string_agg(format('%s (pid %s)', a.usename, l.pid), ', ' ORDER BY l.pid), 'nobody')
  FROM pg_locks l
  JOIN pg_stat_activity a USING (pid)
 WHERE l.locktype = 'advisory'
   AND l.granted
   AND l.objsubid = 1
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND (l.classid::bigint << 32) | l.objid::bigint = hashtextextended($1, 0)
"""
REMOVE = "SELECT procrastinate_finish_job_v1($1, 'failed', true)"
HAS_TWIN = """
SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE queueing_lock = $1 AND status = 'todo')
"""
# A watcher fetches its entry within seconds; one that lies there longer has no watcher any more.
SELECT_UNWATCHED = """
UPDATE procrastinate_jobs j
   SET queue_name = v.queue
  FROM video_jobs v
 WHERE j.status = 'todo'
   AND starts_with(j.queue_name, $2)
   AND v.job_id = (j.args ->> 'job_id')::bigint
   AND NOT EXISTS (SELECT FROM procrastinate_jobs other
                    WHERE other.lock = j.lock
                      AND other.status = 'doing')
   AND NOT EXISTS (SELECT FROM procrastinate_events e
                    WHERE e.job_id = j.id
                      AND e.at > now() - make_interval(secs => $1))
   AND v.updated_at < now() - make_interval(secs => $1)
RETURNING j.id
"""
PRUNE_ENTRIES = """
DELETE FROM procrastinate_jobs
 WHERE id IN (SELECT j.id
                FROM procrastinate_jobs j
               WHERE j.status NOT IN ('todo', 'doing')
                 AND NOT EXISTS (SELECT FROM procrastinate_events e
                                  WHERE e.job_id = j.id
                                    AND e.at > now() - make_interval(secs => $1))
               ORDER BY j.id
               LIMIT 1000)
"""
PRUNE_WORKERS = """
DELETE FROM procrastinate_workers
 WHERE last_heartbeat < now() - make_interval(secs => $1)
"""
COUNT_WORKERS = """
SELECT count(*)
  FROM procrastinate_workers
 WHERE last_heartbeat >= now() - make_interval(secs => $1)
"""
CARE = "bookai care"


async def is_my_turn(con: Con) -> bool:
    """Tell whether the caller may look after the queue; until its transaction ends, no other may.

    Nobody waits: who does not get the turn has nothing to do. A frozen process cannot keep it,
    because the server ends a transaction that stands still.
    """
    turn: bool = await con.fetchval(TRY_LOCK, CARE)
    return turn


async def release_left(con: Con, silent_s: float) -> int:
    """Queue again what nobody works on, in the caller's transaction; return how many.

    Who is silent and still holds the lock of such a job is cut off from it first: its connection is
    ended. One that cannot be ended keeps its job, and no other. What a living worker has is queued
    again when its lock is free and it was fetched `silent_s` seconds ago.
    """
    released = 0
    for row in await con.fetch(SELECT_LEFT, None, silent_s):
        take = _cut_off if row["is_silent"] else _take_free
        if row["lock"] and not await take(con, row["lock"]):
            continue
        await _replace(con, row)
        released += 1
    return released


async def _take_free(con: Con, lock: str) -> bool:
    """Take `lock` for the caller's transaction if nobody holds it; tell whether."""
    is_free: bool = await con.fetchval(TRY_LOCK, lock)
    return is_free


async def _cut_off(con: Con, lock: str) -> bool:
    """Take `lock` for the caller's transaction, from a silent worker if need be; tell whether."""
    if await _take_free(con, lock):
        return True
    try:
        async with con.transaction():
            ended = await con.fetchval(END_HOLDERS, lock)
    except asyncpg.InsufficientPrivilegeError:
        logger.exception(
            "Cannot take %s from a silent worker: its lock belongs to the role %s. Start workers "
            "with the DSN of the app role; end that one by its process, or as the database's owner "
            "by SELECT pg_terminate_backend(pid).",
            lock,
            await con.fetchval(SELECT_HOLDERS, lock),
            extra={"action": "worker_not_cut_off"},
        )
        return False
    logger.warning(
        "Cut off a silent worker from %s (%s connections)",
        lock,
        ended,
        extra={"action": "worker_cut_off"},
    )
    # If it is still going, the next look finds it gone.
    return await _take_free(con, lock)


async def release_dead(pool: Pool, lock: str) -> int:
    """Queue again the entry of `lock` when nobody holds that lock; its heartbeat is not asked."""
    released = 0
    async with pool.acquire() as con, con.transaction():
        for row in await con.fetch(SELECT_LEFT, lock, 0.0):
            if await _take_free(con, lock):
                await _replace(con, row)
                released += 1
    return released


async def release_unwatched(con: Con, still_s: float) -> int:
    """Give entries whose watcher has gone to the workers; return how many."""
    return len(await con.fetch(SELECT_UNWATCHED, still_s, DESK))


async def prune(con: Con, *, ended_s: float, silent_s: float) -> None:
    """Forget entries that ended badly, and workers that were not heard of, for so long."""
    await con.execute(PRUNE_ENTRIES, ended_s)
    await con.execute(PRUNE_WORKERS, silent_s)


async def count_workers(pool: Pool, silent_s: float) -> int:
    """Return how many workers were heard of within `silent_s`."""
    alive: int = await pool.fetchval(COUNT_WORKERS, silent_s)
    return alive


async def _replace(con: Con, row: Mapping[str, Any]) -> None:
    """Put a new entry in the place of one that a worker had, on the queue where the job stands.

    A worker that comes back finishes, and thereby removes, the entry it knows: not this one. Where
    an entry waits already, that one says when the job goes on.
    """
    await con.execute(REMOVE, row["id"])
    if await con.fetchval(HAS_TWIN, row["queueing_lock"]):
        return
    entry = Entry(
        task=row["task_name"],
        args=json.loads(row["args"]),
        queue=row["stands_at"] or row["queue_name"],
        lock=row["lock"],
        once=row["queueing_lock"],
        priority=row["priority"],
    )
    await enqueue(con, entry)
