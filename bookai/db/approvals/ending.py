"""Ask the table before anything goes out, and end what nobody answered in time."""

from datetime import datetime

from bookai.db import audit
from bookai.db.approvals.rows import (
    STUDIO,
    Approval,
    OnDecided,
    end,
    latest,
    locked,
    moment,
    unchanged,
    why_not_pending,
)
from bookai.db.autonomy import ladder
from bookai.db.pool import Con, Pool
from bookai.errors import Refused

# What is out, or may be out, keeps its approval: it says who allowed it. A sender may commit
# between this statement's snapshot and its locks, so IS_OUT asks again under the lock.
# What is done is out: all that ever went out keeps its approval, and this is asked all the time.
LOCK_EXPIRED = """
SELECT a.approval_id
  FROM approvals a
  JOIN video_jobs j ON j.job_id = a.job_id
 WHERE a.state IN ('pending', 'approved')
   AND a.expires_at <= $1
   AND j.status IN ('queued', 'running', 'waiting', 'refused', 'failed', 'cancelled')
   AND NOT EXISTS (SELECT
                     FROM social_posts p
                    WHERE p.job_id = a.job_id
                      AND p.state IN ('sending', 'unknown', 'posted'))
 ORDER BY a.approval_id
   FOR UPDATE OF a SKIP LOCKED
"""
IS_OUT = """
SELECT EXISTS (SELECT
                 FROM social_posts
                WHERE job_id = $1
                  AND state IN ('sending', 'unknown', 'posted'))
"""


async def check(
    db: Pool | Con, job_id: int, digest: str, now: datetime, *, begun: bool = False
) -> None:
    """Return when this very digest was approved for this job and the approval has not expired.

    `begun` says that the post was on its way before: what may be out must be looked for and
    receipted, however late, so the time limit holds for new sends alone.

    Raises:
        Refused: anything else; the message says what is missing.
    """
    found = await latest(db, job_id)
    if found is None:
        raise Refused(f"nobody was asked to approve job {job_id}: nothing goes out")
    approval = unchanged(found)
    if approval.state == "pending":
        yes = sum(vote.approve for vote in approval.votes)
        so_far = f" ({yes} of {approval.needed} said yes)" if approval.needed > 1 else ""
        raise Refused(
            f"job {job_id} waits for an operator{so_far}: bookai approve {approval.approval_id}"
        )
    if approval.state != "approved":
        raise Refused(why_not_pending(approval))
    if approval.digest != digest:
        raise Refused(
            f"what would be published for job {job_id} is not what {approval.decided_by} approved "
            f"(approval {approval.approval_id}). Make a new video of the source: bookai make"
        )
    if approval.is_by_rule and not begun and not await _rule_holds(db, approval):
        raise Refused(
            f"approval {approval.approval_id} was given by {approval.decided_by}, and channel "
            f"{approval.channel!r} is locked since: nothing goes out. Why: bookai autonomy"
        )
    if approval.expires_at <= now and not begun:
        raise Refused(
            f"approval {approval.approval_id} of job {job_id} expired at "
            f"{moment(approval.expires_at)}. Make a new video of the source: bookai make"
        )


async def _rule_holds(db: Pool | Con, approval: Approval) -> bool:
    assert approval.decided_at is not None, "the database keeps the time with the name"
    return await ladder.counts(db, approval.channel, approval.decided_at)


async def expire(
    pool: Pool, now: datetime, *, on_ended: OnDecided | None = None
) -> tuple[int, ...]:
    """Expire what was not decided or not published in time; return the ids of those jobs.

    `on_ended(con, job_id)` is called for each in the same transaction, so that no job is left
    asleep by a crash in between.
    """
    ended = []
    async with audit.transaction(pool) as con:
        for row in await con.fetch(LOCK_EXPIRED, now):
            approval = await expire_one(con, row["approval_id"])
            if approval is None:
                continue
            if on_ended:
                await on_ended(con, approval.job_id)
            ended.append(approval.job_id)
    return tuple(ended)


async def expire_one(con: Con, approval_id: int) -> Approval | None:
    """Expire one whose time is over; None, and nothing changes, if its post is on its way."""
    approval = await locked(con, approval_id)
    if await con.fetchval(IS_OUT, approval.job_id):
        return None
    await end(con, approval, "expired", STUDIO)
    return approval


async def void_of(con: Con, job_id: int, by: str) -> None:
    """Void a job's open approval, in the caller's transaction; what is or may be out keeps its."""
    found = await latest(con, job_id)
    if found is None or found.state not in ("pending", "approved"):
        return
    approval = await locked(con, found.approval_id)
    if approval.state in ("pending", "approved") and not await con.fetchval(IS_OUT, job_id):
        await end(con, approval, "void", by)
