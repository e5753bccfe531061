"""Ticks: a slot is claimed, done and settled by the one who leads.

The slot moves forward in the transaction that writes the tick. So none is lost, and none is done
twice but one that its leader left behind half done: the next leader does that one again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bookai.db.audit.body import clean
from bookai.db.loop import schedules
from bookai.db.loop.leader import Deposed, beat
from bookai.db.pool import Con, Pool

MOST_TRIES = 3
RETRY_S = 60.0
LONGEST_NOTE = 2000

SELECT_DUE = """
SELECT next_slot, every_s
  FROM loop_schedules
 WHERE name = $1
   AND scope = $2
   AND active
   AND next_slot <= $3
   FOR UPDATE
"""
INSERT_TICK = """
INSERT INTO loop_ticks (name, scope, slot, until, covered, epoch, began_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
MOVE_ON = "UPDATE loop_schedules SET next_slot = $3 WHERE name = $1 AND scope = $2"
FINISH = """
UPDATE loop_ticks
   SET state = $5, ended_at = $6, note = $7
 WHERE name = $1
   AND scope = $2
   AND slot = $3
   AND epoch = $4
   AND state = 'running'
RETURNING slot
"""
TAKE_LEFT = """
UPDATE loop_ticks AS t
   SET epoch = $1, tries = tries + 1, began_at = $2
 WHERE state = 'running'
   AND epoch < $1
   AND EXISTS (SELECT FROM loop_schedules s
                WHERE s.name = t.name AND s.scope = t.scope AND s.active)
RETURNING name, scope, slot, until, tries
"""
# What nobody wants any more cannot be done again; it is not left running for ever either.
GIVE_UP_LEFT = """
UPDATE loop_ticks
   SET state = 'failed', ended_at = $2, note = 'its leader ended, and it is not wanted any more'
 WHERE state = 'running'
   AND epoch < $1
"""
# Only where the next slot is far: what is done each minute is soon done anyway.
TAKE_FAILED = """
UPDATE loop_ticks AS t
   SET state = 'running', ended_at = NULL, epoch = $1, tries = tries + 1, began_at = $2
  FROM loop_schedules s
 WHERE s.name = t.name
   AND s.scope = t.scope
   AND s.active
   AND s.next_slot = t.until
   AND s.next_slot > $2::timestamptz + make_interval(secs => $3)
   AND t.state = 'failed'
   AND t.tries < $4
   AND t.ended_at < $2::timestamptz - make_interval(secs => $3)
RETURNING t.name, t.scope, t.slot, t.until, t.tries
"""
FORGET = "DELETE FROM loop_ticks WHERE began_at < $1 AND state <> 'running'"


@dataclass(frozen=True, slots=True)
class Tick:
    """A slot that is being settled; the next one of its schedule is at `until`."""

    name: str
    scope: str
    slot: datetime
    until: datetime
    tries: int = 1


async def claim(pool: Pool, name: str, scope: str, at: datetime, epoch: int) -> Tick | None:
    """Take a schedule's due slots, as one tick; None when none is due at `at`.

    Raises:
        Deposed: another process leads.
    """
    async with pool.acquire() as con, con.transaction():
        await beat(con, epoch)
        row = await con.fetchrow(SELECT_DUE, name, scope, at)
        if row is None:
            return None
        slot, every_s = row["next_slot"], row["every_s"]
        until = schedules.after(name, scope, every_s, at)
        count = schedules.covered(every_s, slot, until)
        await con.execute(INSERT_TICK, name, scope, slot, until, count, epoch, at)
        await con.execute(MOVE_ON, name, scope, until)
    return Tick(name, scope, slot, until)


async def finish(  # one row: which, whose, how, when, and why
    db: Pool | Con,
    tick: Tick,
    epoch: int,
    state: Literal["done", "failed"],
    at: datetime,
    note: str,
) -> None:
    """Settle a tick.

    Raises:
        Deposed: another leader took it up.
    """
    told = clean(note)[:LONGEST_NOTE]
    found = await db.fetchval(FINISH, tick.name, tick.scope, tick.slot, epoch, state, at, told)
    if found is None:
        raise Deposed(f"tick {tick.name} {tick.scope} of {tick.slot} is another leader's now.")


async def take_left(pool: Pool, epoch: int, at: datetime) -> tuple[Tick, ...]:
    """Take up what earlier leaders left behind half done."""
    async with pool.acquire() as con, con.transaction():
        await beat(con, epoch)
        rows = await con.fetch(TAKE_LEFT, epoch, at)
        await con.execute(GIVE_UP_LEFT, epoch, at)
    return tuple(Tick(**row) for row in rows)


async def take_failed(pool: Pool, epoch: int, at: datetime) -> tuple[Tick, ...]:
    """Take what failed a minute ago and would else wait for long, at most three times."""
    async with pool.acquire() as con, con.transaction():
        await beat(con, epoch)
        rows = await con.fetch(TAKE_FAILED, epoch, at, RETRY_S, MOST_TRIES)
    return tuple(Tick(**row) for row in rows)


async def forget(db: Pool | Con, at: datetime, kept: timedelta) -> int:
    """Delete ticks that began more than `kept` ago; return how many."""
    done: str = await db.execute(FORGET, at - kept)
    return int(done.rpartition(" ")[2])
