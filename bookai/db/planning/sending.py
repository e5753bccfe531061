"""At the moment of sending: what went out for an account, and a later time for what may not yet."""

from dataclasses import dataclass
from datetime import datetime

from bookai.db import audit
from bookai.db.planning.claims import INSERT_SLOT, PLANNER, RELEASE, Claim
from bookai.db.planning.counts import Out
from bookai.db.pool import Con

# What is being sent, or may be out, counts like what is out. Longer than any day of any zone.
SELECT_OUT = """
WITH gone AS (
    SELECT p.published_at AS at, p.account, j.channel
      FROM social_posts p
      JOIN video_jobs j USING (job_id)
     WHERE p.platform = $1
       AND p.state = 'posted'
       AND p.published_at >= clock_timestamp() - interval '50 hours'
     UNION ALL
    SELECT p.sent_at, p.account, j.channel
      FROM social_posts p
      JOIN video_jobs j USING (job_id)
     WHERE p.platform = $1
       AND p.state IN ('sending', 'unknown')
       AND p.sent_at >= clock_timestamp() - interval '50 hours'
)
SELECT clock_timestamp() AS at,
       ARRAY(SELECT at FROM gone WHERE channel = $3 ORDER BY 1) AS ours,
       ARRAY(SELECT at FROM gone
              WHERE channel <> $3 AND ($2::text IS NULL OR account = $2) ORDER BY 1) AS others
"""
SET_TIME = "UPDATE video_jobs SET not_before = $2, updated_at = now() WHERE job_id = $1"


@dataclass(frozen=True, slots=True)
class Gone:
    """What went out, or may have, in the last two days, and when that was counted."""

    at: datetime
    out: Out


async def count_gone(con: Con, platform: str, account: str | None, channel: str) -> Gone:
    """Count what went out by the database's clock; hold `lock` of that account meanwhile.

    Of the channel itself all on this platform, of others those of `account`; None: of all.
    """
    row = await con.fetchrow(SELECT_OUT, platform, account, channel)
    return Gone(row["at"], Out(tuple(row["ours"]), tuple(row["others"])))


async def put_later(con: Con, wanted: Claim, at: datetime, why: str) -> None:
    """Let a job go out no sooner than its `wanted` slot, which it gets unless somebody has it.

    In the caller's transaction, which holds `lock`.
    """
    job_id, slot_at = wanted.job_id, wanted.slot_at
    await con.execute(SET_TIME, job_id, slot_at)
    had = await con.fetchrow(RELEASE, job_id)
    has = await con.fetchval(INSERT_SLOT, wanted.channel, slot_at, job_id, at)
    body = {
        "job_id": job_id,
        "channel": wanted.channel,
        "was": had["slot_at"] if had else None,
        "slot_at": slot_at if has else None,
        "why": why,
    }
    await audit.append(con, "slot.moved", PLANNER, body)
