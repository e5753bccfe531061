"""Lent rights: an approver lets a named person say yes on a channel, so often and until then.

The database counts a lent yes in the transaction that gives it, so two at once cannot overshoot.
A right is the lender's own: it ends when he is no approver any more, and cannot be lent on.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bookai.db import audit
from bookai.db.approvals.rows import check_operator
from bookai.db.approvals.rules import Rules
from bookai.db.pool import Con, Pool
from bookai.errors import Refused
from bookai.models import Record

MAX_CAP = 1000
MAX_TTL = timedelta(days=366)

_COLUMNS = """
       d.delegation_id, d.channel, d.lender, d.delegate, d.cap, d.used, d.created_at, d.ends_at,
       d.revoked_by, d.revoked_at
"""
INSERT_DELEGATION = """
INSERT INTO approval_delegations (channel, lender, delegate, cap, created_at, ends_at)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING delegation_id
"""
# In one order for everybody, so that two bundles of one delegate cannot wait in a circle.
SELECT_LIVE = f"""
SELECT {_COLUMNS}
  FROM approval_delegations d
 WHERE d.delegate = $1
   AND ($2::text IS NULL OR d.channel = $2)
   AND d.revoked_at IS NULL
   AND d.ends_at > $3
   AND d.used < d.cap
 ORDER BY d.delegation_id
   FOR UPDATE
"""  # noqa: S608  # a constant of ours
SELECT_ONE = f"""
SELECT {_COLUMNS}
  FROM approval_delegations d
 WHERE d.delegation_id = $1
   FOR UPDATE
"""  # noqa: S608  # as above
SELECT_ALL = f"""
SELECT {_COLUMNS}
  FROM approval_delegations d
 ORDER BY d.delegation_id DESC
 LIMIT $1
"""  # noqa: S608  # as above
UPDATE_REVOKED = """
UPDATE approval_delegations
   SET revoked_by = $2, revoked_at = $3
 WHERE delegation_id = $1
"""


class Delegation(Record):
    """A lent right; `used` counts the yes that were given with it."""

    delegation_id: int
    channel: str
    lender: str
    delegate: str
    cap: int
    used: int
    created_at: datetime
    ends_at: datetime
    revoked_by: str | None
    revoked_at: datetime | None

    def state(self, now: datetime, rules: Rules) -> str:
        """Return live, revoked, ended, spent, or void when the lender is no approver any more."""
        if self.revoked_at is not None:
            return "revoked"
        if self.ends_at <= now:
            return "ended"
        if self.used >= self.cap:
            return "spent"
        return "live" if rules.let(self.lender) else "void"


class Loan(Record):
    """What an approver wants to lend: the channel, to whom, how many times, until when."""

    channel: str
    delegate: str
    cap: int
    ends_at: datetime


async def create(pool: Pool, loan: Loan, lender: str, now: datetime, rules: Rules) -> Delegation:
    """Lend the lender's own right; audited in the same transaction.

    Raises:
        Refused: the lender is no approver of the channel, the delegate is one, or is no person, or
            the terms are out of bounds.
    """
    check_operator(lender)
    check_operator(loan.delegate)
    if not rules.approvers:
        raise Refused(
            f"every operator may approve on channel {loan.channel!r}: there is nothing to lend. "
            f"To name its approvers: [channels.{loan.channel}] approvers = [...] in studio.toml"
        )
    if lender not in rules.approvers:
        raise Refused(
            f"{lender} is no approver of channel {loan.channel!r}, and a lent right cannot be "
            f"lent on. Its approvers: {', '.join(rules.approvers)}"
        )
    if loan.delegate in rules.approvers:
        raise Refused(f"{loan.delegate} is an approver of channel {loan.channel!r} already")
    if not 1 <= loan.cap <= MAX_CAP:
        raise Refused(f"a right is lent for 1 to {MAX_CAP} approvals, not {loan.cap}")
    if not now < loan.ends_at <= now + MAX_TTL:
        raise Refused(f"a right is lent for at most {MAX_TTL.days} days, and not into the past")
    async with audit.transaction(pool) as con:
        delegation_id: int = await con.fetchval(
            INSERT_DELEGATION,
            loan.channel,
            lender,
            loan.delegate,
            loan.cap,
            now,
            loan.ends_at,
        )
        body = {"delegation_id": delegation_id, **loan.model_dump()}
        await audit.append(con, "delegation.created", lender, body)
        return await _one(con, delegation_id)


async def revoke(pool: Pool, delegation_id: int, by: str, now: datetime) -> Delegation:
    """Take a lent right back at once; any operator may, as it lets nothing out.

    Raises:
        Refused: there is no such delegation, or it was revoked before.
    """
    check_operator(by)
    async with audit.transaction(pool) as con:
        found = await _one(con, delegation_id)
        if found.revoked_at is not None:
            raise Refused(f"delegation {delegation_id} was revoked by {found.revoked_by} already")
        await con.execute(UPDATE_REVOKED, delegation_id, by, now)
        body = {
            "delegation_id": delegation_id,
            "channel": found.channel,
            "lender": found.lender,
            "delegate": found.delegate,
            "used": found.used,
        }
        await audit.append(con, "delegation.revoked", by, body)
        return await _one(con, delegation_id)


async def list_(db: Pool | Con, limit: int = 50) -> tuple[Delegation, ...]:
    """Return delegations, newest first."""
    return tuple(_delegation(row) for row in await db.fetch(SELECT_ALL, limit))


async def lock_live(
    con: Con, delegate: str, now: datetime, channel: str | None = None
) -> tuple[Delegation, ...]:
    """Return what is lent to `delegate` and not used up, locked until the transaction ends."""
    return tuple(_delegation(row) for row in await con.fetch(SELECT_LIVE, delegate, channel, now))


async def _one(con: Con, delegation_id: int) -> Delegation:
    row = await con.fetchrow(SELECT_ONE, delegation_id)
    if row is None:
        raise Refused(f"there is no delegation {delegation_id}. To list them: bookai delegate list")
    return _delegation(row)


def _delegation(row: Mapping[str, Any]) -> Delegation:
    return Delegation(**{name: row[name] for name in Delegation.model_fields})
