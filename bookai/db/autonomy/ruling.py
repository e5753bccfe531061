"""The studio's own yes under an operator's rule, and the end of it when the rule holds no more."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from bookai.db import audit
from bookai.db.approvals.ending import IS_OUT
from bookai.db.approvals.rows import (
    STUDIO,
    Approval,
    OnDecided,
    end,
    get,
    locked,
    shown,
    unchanged,
)
from bookai.db.pool import Con, Pool
from bookai.decisions import Rung
from bookai.errors import Refused
from bookai.metrics import APPROVALS_DECIDED, AUTONOMY_APPROVALS

APPROVE = "SELECT approve_by_rule($1, $2, $3, $4, $5)"
# Which approvals of people the rule rests on: the newest of the row.
SELECT_EARNED = """
SELECT a.approval_id
  FROM approvals a
 WHERE a.channel = $1
   AND a.decided_by LIKE 'operator:%'
   AND a.decided_at >= $2
   AND a.state <> 'rejected'
 ORDER BY a.decided_at DESC, a.approval_id DESC
 LIMIT $3
"""
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


async def approve(
    pool: Pool, ruling: Ruling, now: datetime, on_decided: OnDecided | None = None
) -> Approval:
    """Say yes by rule, with its audit event, and wake the job, in one transaction.

    Raises:
        Refused: the database finds that the rule does not cover it, or not any more.
    """
    approval, rule = ruling.approval, ruling.rung.rule
    unchanged(approval)
    async with audit.transaction(pool) as con:
        await locked(con, approval.approval_id)
        earned = await _earned(con, ruling.rung)
        try:
            async with con.transaction():
                words = _words(ruling)
                asked = (approval.approval_id, approval.digest, now, words)
                await con.execute(APPROVE, *asked, dict(ruling.passport))
        except asyncpg.CheckViolationError as no:
            raise Refused(f"{rule}: {no}") from no
        after = await get(con, approval.approval_id)
        body = _body(after, ruling, earned, now)
        await audit.append(con, "approval.decided", rule, body)
        if on_decided is not None:
            await on_decided(con, after.job_id)
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


async def _earned(con: Con, rung: Rung) -> list[int]:
    rows = await con.fetch(SELECT_EARNED, rung.channel, rung.granted_at, rung.after)
    return sorted(row["approval_id"] for row in rows)


def _words(ruling: Ruling) -> str:
    """Say what stands where a person's note would: whose rule, how it was earned."""
    rung = ruling.rung
    return (
        f"by rule, granted by {rung.granted_by}: {rung.in_a_row} unedited approvals in a row "
        f"({rung.after} needed), {rung.used_today + 1} of {rung.per_day} today"
    )


def _body(after: Approval, ruling: Ruling, earned: list[int], now: datetime) -> Mapping[str, Any]:
    rung = ruling.rung
    return {
        "approval_id": after.approval_id,
        "job_id": after.job_id,
        "decision": after.state,
        "decided_at": now,
        "digest": after.digest,
        "shown": shown(after.post),
        "via": "rule",
        "yes": [],
        "needed": after.needed,
        "rule": {
            "name": rung.rule,
            "granted_by": rung.granted_by,
            "granted_at": rung.granted_at,
            "after": rung.after,
            "in_a_row": rung.in_a_row,
            "earned_by": earned,
            "per_day": rung.per_day,
            "used_today": rung.used_today + 1,
            "time_zone": rung.time_zone,
            "voice_version": rung.voice_version,
            "passport": dict(rung.passport),
            "checks": list(ruling.checks),
        },
    }
