"""What an operator steers: pauses, cancelled jobs, and jobs that go on later.

A pause and a time hold a job back before its next stretch of work; neither interrupts a step. A
cancelled job is taken away from whoever runs it: the run notices within a second or two.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bookai.db import approvals, audit, jobs, planning
from bookai.db.audit.body import clean
from bookai.db.pool import Con, Pool
from bookai.errors import NotYet, Refused

EVERYTHING = ""
"""The scope of a pause of the whole studio; any other scope is a channel's name."""

DISK = "studio:disk"
"""Who pauses when the disk is nearly full: what is ready may still be published."""

RESTORE = "studio:restore"
"""Who pauses when a backup was restored."""

LOOK_AGAIN_S = 60.0
FURTHEST = timedelta(days=90)

INSERT_PAUSE = """
INSERT INTO pauses (scope, reason, paused_by) VALUES ($1, $2, $3)
ON CONFLICT (scope) DO NOTHING
RETURNING scope
"""
# What the studio itself paused gives way to an operator's own word, and so cannot end it.
GIVE_WAY = "DELETE FROM pauses WHERE scope = $1 AND starts_with(paused_by, 'studio:')"
DELETE_PAUSE = """
DELETE FROM pauses
 WHERE scope = $1
   AND ($2::text IS NULL OR paused_by = $2)
RETURNING scope
"""
SELECT_PAUSES = "SELECT scope, reason, paused_by, paused_at FROM pauses ORDER BY scope"
SELECT_PAUSE = """
SELECT scope, reason, paused_by, paused_at
  FROM pauses
 WHERE scope IN ('', $1)
 ORDER BY scope
 LIMIT 1
"""
# Whatever waits for later is looked at now, but what has a time of its own.
HURRY = """
UPDATE procrastinate_jobs p
   SET scheduled_at = NULL
  FROM video_jobs j
 WHERE p.status = 'todo'
   AND p.queueing_lock = $1 || j.job_id
   AND ($2 = '' OR j.channel = $2)
   AND (j.not_before IS NULL OR j.not_before <= now())
"""
# The strongest lock: writes of a run that began before are waited for, later ones are refused.
LOCK_JOB = "SELECT status FROM video_jobs WHERE job_id = $1 FOR UPDATE"
TAKE_AWAY = "UPDATE video_jobs SET epoch = epoch + 1 WHERE job_id = $1"
SELECT_POST = """
SELECT state FROM social_posts
 WHERE job_id = $1
   AND state IN ('sending', 'posted', 'unknown')
 LIMIT 1
"""
SET_TIME = "UPDATE video_jobs SET not_before = $2, updated_at = now() WHERE job_id = $1"
SELECT_HOLD = """
SELECT j.not_before, j.not_before > now() AS too_early, p.scope, p.reason, p.paused_by
  FROM video_jobs j
  LEFT JOIN pauses p ON p.scope IN ('', j.channel)
                    AND NOT (p.paused_by = 'studio:disk' AND j.queue = 'publish')
 WHERE j.job_id = $1
 ORDER BY p.scope
 LIMIT 1
"""
# One that waits for an operator keeps saying so; one that has his word waits for its time.
NOTE_HELD = """
UPDATE video_jobs j
   SET status = 'queued', reason = $2, updated_at = now()
 WHERE j.job_id = $1
   AND (j.status IN ('queued', 'running')
        OR (j.status = 'waiting'
            AND NOT EXISTS (SELECT FROM approvals a
                             WHERE a.job_id = j.job_id AND a.state = 'pending')))
"""


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause that is in force."""

    scope: str
    reason: str
    paused_by: str
    paused_at: datetime

    def __str__(self) -> str:
        """Say what is paused, by whom and why."""
        what = f"channel {self.scope!r}" if self.scope else "the studio"
        return f"{what} is paused by {self.paused_by}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Held:
    """Why a job does not go on yet; `until` is None when nobody knows."""

    why: str
    until: datetime | None


async def pause(con: Con, scope: str, reason: str, by: str) -> bool:
    """Pause a channel or everything; return False when it is paused already.

    An operator's pause takes the place of one that the studio itself made.
    """
    if not by.startswith("studio:"):
        await con.execute(GIVE_WAY, scope)
    # Of the whole studio the scope that comes back is '': only None says that there was one.
    if await con.fetchval(INSERT_PAUSE, scope, clean(reason), by) is None:
        return False
    await audit.append(con, "studio.paused", by, {"scope": scope, "reason": reason})
    return True


async def resume(  # one pause: which, why, by whom, whose alone
    con: Con, scope: str, reason: str, by: str, lock_prefix: str, *, only_of: str | None = None
) -> bool:
    """End a pause, of whomever or `only_of` one, and let what waited go on now.

    Return False when there is none.
    """
    if await con.fetchval(DELETE_PAUSE, scope, only_of) is None:
        return False
    await audit.append(con, "studio.resumed", by, {"scope": scope, "reason": reason})
    await con.execute(HURRY, lock_prefix, scope)
    return True


async def list_pauses(db: Pool | Con) -> tuple[Pause, ...]:
    """Return what is paused, that of the whole studio first."""
    return tuple(Pause(**row) for row in await db.fetch(SELECT_PAUSES))


async def pause_of(db: Pool | Con, channel: str) -> Pause | None:
    """Return the pause that holds a channel, if any."""
    row = await db.fetchrow(SELECT_PAUSE, channel)
    return Pause(**row) if row else None


async def check_free(db: Pool | Con, job_id: int) -> None:
    """Return when nothing holds a job back.

    Raises:
        NotYet: a pause does, or its own time.
    """
    hold = await held(db, job_id)
    if hold is not None:
        raise NotYet(f"job {job_id} waits: {hold.why}.", after_s=LOOK_AGAIN_S)


async def held(db: Pool | Con, job_id: int) -> Held | None:
    """Return why a job may not go on now, or None."""
    row: Mapping[str, Any] | None = await db.fetchrow(SELECT_HOLD, job_id)
    if row is None:
        return None
    if row["too_early"]:
        return Held(f"put off until {row['not_before']:%Y-%m-%d %H:%M %Z}", row["not_before"])
    if row["scope"] is not None:
        what = f"channel {row['scope']!r}" if row["scope"] else "the studio"
        return Held(f"{what} is paused by {row['paused_by']}: {row['reason']}", None)
    return None


async def note_held(con: Con, job_id: int, why: str) -> None:
    """Let a job's row say why it waits; one that waits for an operator keeps saying so."""
    await con.execute(NOTE_HELD, job_id, why)


async def cancel(pool: Pool, job_id: int, reason: str, by: str) -> bool:
    """End a job for good and take it away from whoever runs it; its open approval is void.

    Return False when it was cancelled before.

    Raises:
        Refused: there is no such job, it has ended, or its post is or may be out.
    """
    async with pool.acquire() as con, con.transaction():
        status: str | None = await con.fetchval(LOCK_JOB, job_id)
        is_new = status != "cancelled"
        if is_new:
            await _end(con, job_id, status, reason, by)
    # In a transaction of its own: who decides locks the approval first and then the job. Again for
    # a job that is cancelled already: the first cancel may have been cut short here.
    async with pool.acquire() as con, con.transaction():
        await approvals.void_of(con, job_id, by)
    return is_new


async def _end(con: Con, job_id: int, status: str | None, reason: str, by: str) -> None:
    _check_alive(job_id, status)
    await _check_unsent(con, job_id)
    await con.execute(TAKE_AWAY, job_id)
    await jobs.set_status(con, job_id, "cancelled", reason=reason, actor=by)


async def _check_unsent(con: Con, job_id: int) -> None:
    post: str | None = await con.fetchval(SELECT_POST, job_id)
    if post is not None:
        raise Refused(
            f"the post of job {job_id} is {post!r}: what is or may be out is changed no more. "
            "See it: bookai outbox"
        )


async def put_off(con: Con, job_id: int, at: datetime | None, now: datetime, by: str) -> None:
    """Let a job go on no sooner than `at`, aware; None: now. It gives its publishing slot up.

    Raises:
        Refused: there is no such job, it has ended, its post is or may be out, or `at` is too far
            away.
    """
    _check_alive(job_id, await jobs.lock_status(con, job_id))
    await _check_unsent(con, job_id)
    if at is not None and not now - FURTHEST < at < now + FURTHEST:
        raise Refused(f"{at:%Y-%m-%d} is more than {FURTHEST.days} days away.")
    await con.execute(SET_TIME, job_id, at)
    await planning.release(con, job_id, by, "it was given another time")
    await audit.append(con, "job.put_off", by, {"job_id": job_id, "until": at})


def _check_alive(job_id: int, status: str | None) -> None:
    if status is None:
        raise Refused(f"there is no job {job_id}. `bookai jobs` lists them.")
    if status in jobs.ENDED:
        raise Refused(f"job {job_id} is {status} already: there is nothing left to change.")
