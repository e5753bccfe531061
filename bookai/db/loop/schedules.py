"""What the loop does how often; the slots of a schedule stand on a grid of its own."""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bookai.db.pool import Con, Pool

# Slots are whole microseconds, and no cadence is under a millisecond.
ROUNDING = 0.01
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

UPSERT = """
INSERT INTO loop_schedules AS s (name, scope, every_s, since, next_slot)
SELECT name, scope, every_s, $4, $4
  FROM unnest($1::text[], $2::text[], $3::float8[]) AS wanted (name, scope, every_s)
ON CONFLICT (name, scope) DO UPDATE
   SET every_s = excluded.every_s, active = true,
       -- One that sleeps for a day and is now wanted each minute must not sleep on.
       next_slot = CASE WHEN excluded.every_s < s.every_s
                        THEN least(s.next_slot,
                                   greatest($4, (SELECT max(t.slot) + interval '1 microsecond'
                                                   FROM loop_ticks t
                                                  WHERE t.name = s.name AND t.scope = s.scope)))
                        ELSE s.next_slot END
 WHERE s.every_s <> excluded.every_s
    OR NOT s.active
"""
RETIRE = """
UPDATE loop_schedules AS s
   SET active = false
 WHERE active
   AND NOT EXISTS (SELECT FROM unnest($1::text[], $2::text[]) AS wanted (name, scope)
                    WHERE wanted.name = s.name AND wanted.scope = s.scope)
"""
SELECT_NEXT = """
SELECT min(next_slot) FROM loop_schedules WHERE active
"""
SELECT_ALL = """
SELECT s.name, s.scope, s.every_s, s.since, s.next_slot, s.active,
       t.slot AS last_slot, t.state, t.note, t.tries, t.began_at, t.ended_at
  FROM loop_schedules s
  LEFT JOIN LATERAL (SELECT slot, state, note, tries, began_at, ended_at
                       FROM loop_ticks
                      WHERE name = s.name AND scope = s.scope
                      ORDER BY slot DESC
                      LIMIT 1) t ON true
 WHERE s.active
 ORDER BY s.name, s.scope
"""


@dataclass(frozen=True, slots=True)
class Planned:
    """A schedule as the studio wants it."""

    name: str
    scope: str
    every_s: float


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A schedule and its last tick, if there was one."""

    name: str
    scope: str
    every_s: float
    since: datetime
    next_slot: datetime
    active: bool
    last_slot: datetime | None
    state: str | None
    note: str | None
    tries: int | None
    began_at: datetime | None
    ended_at: datetime | None


def after(name: str, scope: str, every_s: float, at: datetime) -> datetime:
    """Return the first slot of a schedule after `at`.

    Slots lie `every_s` seconds apart since the year 2000, shifted by a share of `every_s` that
    name and scope give: five hundred feeds that are read each hour are not all read at once.
    """
    shift = _share(name, scope) * every_s
    passed = ((at - EPOCH).total_seconds() - shift) // every_s
    slot = EPOCH + timedelta(seconds=shift + (passed + 1) * every_s)
    # Microseconds are rounded: the slot itself must not come out as the one after itself.
    return slot if slot > at else slot + timedelta(seconds=every_s)


def covered(every_s: float, slot: datetime, until: datetime) -> int:
    """Return how many slots a tick settles that begins at `slot` and whose next one is `until`.

    The first slot of all may lie off the grid: it counts as one.
    """
    return max(1, math.ceil((until - slot).total_seconds() / every_s - ROUNDING))


def _share(name: str, scope: str) -> float:
    digest = hashlib.sha256(f"{name}\0{scope}".encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32


async def sync(pool: Pool, wanted: Iterable[Planned], at: datetime) -> None:
    """Make the rows what is wanted: new ones are due at once, those of old sleep."""
    rows = list(wanted)
    names, scopes = [one.name for one in rows], [one.scope for one in rows]
    async with pool.acquire() as con, con.transaction():
        await con.execute(UPSERT, names, scopes, [one.every_s for one in rows], at)
        await con.execute(RETIRE, names, scopes)


async def next_slot(db: Pool | Con) -> datetime | None:
    """Return when something is due next; None when nothing is wanted."""
    found: datetime | None = await db.fetchval(SELECT_NEXT)
    return found


async def list_(db: Pool | Con) -> tuple[ScheduleRow, ...]:
    """Return every schedule that is wanted, with its last tick."""
    return tuple(ScheduleRow(**row) for row in await db.fetch(SELECT_ALL))
