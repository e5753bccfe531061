"""Claim a publishing slot for a job, move it, give it up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bookai.db import audit
from bookai.db.pool import Con

PLANNER = "studio:planner"

# Always in this order: whoever has the second has the first.
LOCK_ACCOUNT = "SELECT pg_advisory_xact_lock(hashtextextended('account ' || $1, 17))"
LOCK_CHANNEL = "SELECT pg_advisory_xact_lock(hashtextextended('channel ' || $1, 17))"
INSERT_SLOT = """
INSERT INTO publish_slots (channel, slot_at, job_id, claimed_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
RETURNING job_id
"""
DELETE_UNUSED = """
DELETE FROM publish_slots s
 USING video_jobs j
 WHERE j.job_id = s.job_id
   AND s.channel = $1
   AND s.slot_at = ANY ($2)
   AND j.status IN ('refused', 'failed', 'cancelled')
RETURNING s.slot_at, s.job_id, j.status
"""
MOVE_FROM = """
DELETE FROM publish_slots
 WHERE channel = $1
   AND slot_at = $2
   AND job_id = $3
RETURNING job_id
"""
RELEASE = "DELETE FROM publish_slots WHERE job_id = $1 RETURNING channel, slot_at"


@dataclass(frozen=True, slots=True)
class Claim:
    """A slot and the job that has it."""

    channel: str
    slot_at: datetime
    job_id: int


async def lock(con: Con, channel: str, account: str) -> None:
    """Let nobody else plan for this channel or account until the transaction ends."""
    await con.execute(LOCK_ACCOUNT, account)
    await con.execute(LOCK_CHANNEL, channel)


async def claim(con: Con, wanted: Claim, at: datetime, why: Sequence[str]) -> bool:
    """Claim a slot in the transaction that creates its job; return False when it is taken.

    `why` says why this story, for the audit log.
    """
    row = (wanted.channel, wanted.slot_at, wanted.job_id, at)
    if await con.fetchval(INSERT_SLOT, *row) is None:
        return False
    body = {
        "job_id": wanted.job_id,
        "channel": wanted.channel,
        "slot_at": wanted.slot_at,
        "why": list(why),
    }
    await audit.append(con, "slot.claimed", PLANNER, body)
    return True


async def move(con: Con, late: Claim, to: datetime, at: datetime) -> bool:
    """Give a job that missed its slot a later one; False when either changed hands meanwhile."""
    if await con.fetchval(MOVE_FROM, late.channel, late.slot_at, late.job_id) is None:
        return False
    if await con.fetchval(INSERT_SLOT, late.channel, to, late.job_id, at) is None:
        return False
    body = {
        "job_id": late.job_id,
        "channel": late.channel,
        "was": late.slot_at,
        "slot_at": to,
        "why": "it was not approved in time",
    }
    await audit.append(con, "slot.moved", PLANNER, body)
    return True


async def give_up(con: Con, channel: str, slots: Sequence[datetime]) -> int:
    """Free those of these slots whose jobs ended without a post; return how many."""
    rows = await con.fetch(DELETE_UNUSED, channel, list(slots))
    for row in rows:
        body = {
            "job_id": row["job_id"],
            "channel": channel,
            "slot_at": row["slot_at"],
            "why": f"its job is {row['status']}",
        }
        await audit.append(con, "slot.freed", PLANNER, body)
    return len(rows)


async def release(con: Con, job_id: int, by: str, why: str) -> None:
    """Free a job's slot, if it has one: an operator gave it another time."""
    row = await con.fetchrow(RELEASE, job_id)
    if row is not None:
        body = {"job_id": job_id, **dict(row), "why": why}
        await audit.append(con, "slot.freed", by, body)
