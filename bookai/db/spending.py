"""What model calls cost: reserved before a call, settled after it, a cap a provider and day (UTC).

Money is integer microcents. The cap is asked and the money reserved in one statement that holds the
day's row, so calls that ask at once never pass it together.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import asyncpg

from bookai.db import audit
from bookai.db.pool import Con, Pool
from bookai.errors import BudgetSpent, Refused
from bookai.models import Record

MICROCENTS_PER_CENT = 1_000_000
STALE = timedelta(hours=1)
"""Longer than any call may take: who has not settled by then is not going to."""
ACTOR = "studio:spending"

RESERVE = """
WITH today AS (
    INSERT INTO model_days AS d (provider, day, held)
    SELECT $2, $3, $4::bigint
     WHERE $4::bigint <= $5::bigint
    ON CONFLICT (provider, day) DO UPDATE
       SET held = d.held + excluded.held
     WHERE d.held + d.spent + excluded.held <= $5::bigint
    RETURNING provider, day
)
INSERT INTO model_reservations (call_id, provider, day, held, made_at)
SELECT $1, provider, day, $4::bigint, $6
  FROM today
RETURNING call_id
"""
END = """
WITH open AS (
    SELECT call_id, provider, day, held, state
      FROM model_reservations
     WHERE call_id = $1
       AND state IN ('held', 'lapsed')
       FOR UPDATE
), ended AS (
    UPDATE model_reservations r
       SET state = $2, spent = $3::bigint, ended_at = now()
      FROM open o
     WHERE r.call_id = o.call_id
    RETURNING o.provider, o.day, o.held, o.state
)
UPDATE model_days d
   SET held = d.held - CASE e.state WHEN 'held' THEN e.held ELSE 0 END,
       spent = d.spent + $3::bigint - CASE e.state WHEN 'lapsed' THEN e.held ELSE 0 END
  FROM ended e
 WHERE d.provider = e.provider
   AND d.day = e.day
RETURNING e.provider, e.day, e.held
"""
LAPSE = """
WITH stale AS (
    SELECT call_id
      FROM model_reservations
     WHERE provider = $1
       AND state = 'held'
       AND made_at < $2
       FOR UPDATE SKIP LOCKED
), lapsed AS (
    UPDATE model_reservations r
       SET state = 'lapsed', spent = r.held, ended_at = now()
      FROM stale s
     WHERE r.call_id = s.call_id
    RETURNING r.provider, r.day, r.held
), sums AS (
    SELECT provider, day, count(*) AS calls, sum(held)::bigint AS held
      FROM lapsed
     GROUP BY provider, day
)
UPDATE model_days d
   SET held = d.held - s.held, spent = d.spent + s.held
  FROM sums s
 WHERE d.provider = s.provider
   AND d.day = s.day
RETURNING d.day, s.calls, s.held
"""
SELECT_DAY = "SELECT held, spent FROM model_days WHERE provider = $1 AND day = $2"


class Budget(Record):
    """A provider's money of one day, in microcents; `cap` is None where nothing may be spent."""

    provider: str
    day: date
    cap: int | None
    held: int
    spent: int

    @property
    def left(self) -> int:
        """What a call may still cost, never below zero."""
        return max(0, (self.cap or 0) - self.held - self.spent)


class Ledger:
    """The budgets of a studio: `caps` are microcents a day by provider; others may spend nothing.

    All processes that share a database share its budgets.
    """

    def __init__(self, pool: Pool, caps: Mapping[str, int]) -> None:
        self._pool = pool
        self._caps = dict(caps)

    async def reserve(self, provider: str, call_id: str, microcents: int, now: datetime) -> None:
        """Set aside what a call may cost at most; `call_id` is this call's alone.

        Raises:
            BudgetSpent: the day's budget has less left than that, or there is no budget.
            Refused: the call has a reservation already.
        """
        await self._lapse(provider, now)
        cap = self._caps.get(provider)
        day = now.astimezone(UTC).date()
        if cap is not None:
            try:
                made = await self._pool.fetchval(
                    RESERVE, call_id, provider, day, microcents, cap, now
                )
            except asyncpg.UniqueViolationError as error:
                raise Refused(f"the model call {call_id!r} has been paid for already") from error
            if made:
                return
        found = await self.look(provider, now)
        await audit.append(
            self._pool,
            "budget.refused",
            ACTOR,
            {"call_id": call_id, "asked": microcents, **found.model_dump(mode="json")},
        )
        raise _spent(found, microcents, now)

    async def settle(self, call_id: str, microcents: int) -> None:
        """Book what a call did cost, be it more than was set aside; a second time changes nothing.

        A caller that is cancelled meanwhile has it booked all the same.
        """
        await asyncio.shield(self._end(call_id, "settled", microcents))

    async def release(self, call_id: str) -> None:
        """Give back what was set aside: the provider has certainly billed nothing."""
        await asyncio.shield(self._end(call_id, "released", 0))

    async def look(self, provider: str, now: datetime) -> Budget:
        """Return a provider's money of today."""
        day = now.astimezone(UTC).date()
        row = await self._pool.fetchrow(SELECT_DAY, provider, day)
        held, spent = (row["held"], row["spent"]) if row else (0, 0)
        return Budget(
            provider=provider, day=day, cap=self._caps.get(provider), held=held, spent=spent
        )

    async def _end(self, call_id: str, state: str, microcents: int) -> None:
        async with audit.transaction(self._pool) as con:
            row = await con.fetchrow(END, call_id, state, microcents)
            if row is None:
                return
            body = {
                "call_id": call_id,
                "provider": row["provider"],
                "day": row["day"].isoformat(),
                "held": row["held"],
                "spent": microcents,
            }
            await audit.append(con, f"budget.{state}", ACTOR, body)

    async def _lapse(self, provider: str, now: datetime) -> None:
        """Count what nobody settled in full: the call may have been billed."""
        async with audit.transaction(self._pool) as con:
            for row in await con.fetch(LAPSE, provider, now - STALE):
                await _tell_lapsed(con, provider, row)


async def _tell_lapsed(con: Con, provider: str, row: asyncpg.Record) -> None:
    body = {
        "provider": provider,
        "day": row["day"].isoformat(),
        "calls": row["calls"],
        "spent": row["held"],
    }
    await audit.append(con, "budget.lapsed", ACTOR, body)


def cents(microcents: int) -> str:
    """Return an amount for people: cents with two digits, rounded."""
    return f"{microcents / MICROCENTS_PER_CENT:,.2f}"


def next_day(now: datetime) -> datetime:
    """Return when the budgets of today end: the next midnight UTC."""
    day = now.astimezone(UTC).date() + timedelta(days=1)
    return datetime.combine(day, time(), UTC)


def _spent(found: Budget, asked: int, now: datetime) -> BudgetSpent:
    resets = next_day(now)
    after_s = (resets - now).total_seconds()
    mend = f"[models.budgets] {found.provider} = {{ cents_per_day = … }} in studio.toml"
    if found.cap is None:
        return BudgetSpent(
            f"{found.provider} bills its calls and has no budget. Give it one: {mend}.",
            after_s=after_s,
        )
    return BudgetSpent(
        f"today's budget of {found.provider} is spent: {cents(found.spent)} of {cents(found.cap)} "
        f"cents, {cents(found.held)} set aside for calls at work; this one may cost "
        f"{cents(asked)}. It starts anew at {resets:%H:%M} UTC ({resets:%Y-%m-%d}); "
        f"to raise it: {mend}.",
        after_s=after_s,
    )
