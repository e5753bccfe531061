"""The studio's own yes under an operator's rule, and the end of it when the rule holds no more."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from bookai.db import audit, jobs
from bookai.db.approvals import asking
from bookai.db.approvals.ending import IS_OUT
from bookai.db.approvals.rows import (
    STUDIO,
    Approval,
    OnDecided,
    end,
    get,
    locked,
    unchanged,
)
from bookai.db.approvals.rules import Rules
from bookai.db.pool import Con, Pool
from bookai.decisions import Rung
from bookai.errors import Refused
from bookai.metrics import APPROVALS_DECIDED, AUTONOMY_APPROVALS

APPROVE = "SELECT approve_by_rule($1, $2, $3, $4)"
MAX_CHECK = 100
SELECT_PENDING = """
SELECT a.approval_id
  FROM approvals a
 WHERE a.channel = $1
   AND a.approval_id > $3
   AND a.state = 'pending'
   AND a.needed = 1
   AND a.approvers = '{}'
   AND NOT EXISTS (SELECT
                     FROM approvals b
                    WHERE b.job_id = a.job_id
                      AND b.approval_id <> a.approval_id)
 ORDER BY a.approval_id
 LIMIT $2
"""
SELECT_UNSENT = """
SELECT a.approval_id
  FROM autonomy_approvals y
  JOIN approvals a USING (approval_id)
  JOIN autonomy u ON u.capability = y.capability AND u.channel = y.channel
 WHERE y.channel = $1
   AND a.state = 'approved'
   AND (u.level <> 'limited' OR y.approved_at < u.changed_at)
   AND NOT EXISTS (SELECT
                     FROM social_posts p
                    WHERE p.job_id = a.job_id
                      AND p.state IN ('sending', 'unknown', 'posted'))
 ORDER BY a.approval_id
"""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the studio found when it looked whether a post lies below the risk line.

    `checks` are the names of what was looked at and found green; `passport` is the one in force, as
    a grant is bound to it.
    """

    approval: Approval
    rung: Rung
    checks: tuple[str, ...]
    passport: Mapping[str, str]


async def pending(db: Pool | Con, channel: str, limit: int, after: int = 0) -> tuple[int, ...]:
    """Return the approvals that a rule may answer, the longest waiting first, after number `after`.

    Not those of a job that was asked about before: a person was asked to look at that one.
    """
    rows = await db.fetch(SELECT_PENDING, channel, limit, after)
    return tuple(row["approval_id"] for row in rows)


async def approve(pool: Pool, ruling: Ruling, on_decided: OnDecided | None = None) -> Approval:
    """Say yes by rule and wake the job, in one transaction.

    The database decides, by its own clock, and writes the audit event itself.

    Raises:
        Refused: the database finds that the rule does not cover it, or not any more.
    """
    approval, rule = ruling.approval, ruling.rung.rule
    unchanged(approval)
    checks = [str(audit.scrub(name))[:MAX_CHECK] for name in ruling.checks]
    async with audit.transaction(pool) as con:
        asked = (approval.approval_id, approval.digest, dict(ruling.passport), checks)
        try:
            async with con.transaction():
                await con.execute(APPROVE, *asked)
        except asyncpg.CheckViolationError as no:
            raise Refused(f"{rule}: {no}") from no
        if on_decided is not None:
            await on_decided(con, approval.job_id)
        after = await get(con, approval.approval_id)
    APPROVALS_DECIDED.labels(after.state).inc()
    AUTONOMY_APPROVALS.inc()
    return after


async def end_unsent(
    pool: Pool, channel: str, why: str, on_ended: OnDecided | None = None
) -> tuple[int, ...]:
    """End each yes by rule that a lock stopped before it was sent, and return which.

    A person can be asked anew with `approvals renew`. What is out, or may be out, keeps its
    approval: it says who allowed it.
    """
    ended = []
    for row in await pool.fetch(SELECT_UNSENT, channel):
        async with audit.transaction(pool) as con:
            approval = await locked(con, row["approval_id"])
            if approval.state != "approved" or await con.fetchval(IS_OUT, approval.job_id):
                continue
            await end(con, approval, "expired", STUDIO, why=why, decided_by=approval.decided_by)
            if on_ended is not None:
                await on_ended(con, approval.job_id)
            ended.append(approval.approval_id)
    return tuple(ended)


async def ask_a_person(  # one question asked anew: instead of which, why, when, how long, of whom
    con: Con, approval_id: int, why: str, now: datetime, ttl: timedelta, rules: Rules
) -> int | None:
    """End a yes by rule that was not sent, and ask people for the same bytes; return the new one.

    In the caller's transaction; the job waits again. None, and nothing changes, when it is no open
    yes by rule any more, or its post is or may be out.
    """
    old = await locked(con, approval_id)
    is_open = old.state == "approved" and old.is_by_rule
    if not is_open or await con.fetchval(IS_OUT, old.job_id):
        return None
    if await jobs.lock_status(con, old.job_id) in jobs.ENDED:
        return None
    await end(con, old, "expired", STUDIO, why=why, decided_by=old.decided_by)
    what = (old.job_id, unchanged(old).post, old.video_path, now, now + ttl)
    new_id = await asking.insert(con, what, rules, follows=old.approval_id)
    assert new_id is not None, "the lock on the old one kept others from asking"
    await asking.point_job(con, old.job_id, new_id, old.post)
    await asking.tell_asked(con, await get(con, new_id), STUDIO)
    await jobs.set_status(con, old.job_id, "waiting", stage="approval", reason=why)
    return new_id
