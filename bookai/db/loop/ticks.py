"""Ticks: a slot is claimed, done and settled by the one who leads.

The slot moves forward in the transaction that writes the tick. So none is lost, and none is done
twice but one that its leader left behind half done: the next leader does that one again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from bookai.db.audit.body import clean
from bookai.db.loop import schedules
from bookai.db.loop.leader import Deposed, beat, hold
from bookai.db.pool import Con, Pool

MOST_TRIES = 3
RETRY_S = 60.0
LONGEST_NOTE = 2000

# Not one after the other: a round trip each, for hundreds of them, is what makes a leader late.
SELECT_DUE = """
SELECT s.name, s.scope, s.next_slot, s.every_s
  FROM unnest($1::text[], $2::text[]) AS asked (name, scope)
  JOIN loop_schedules s USING (name, scope)
 WHERE s.active
   AND s.next_slot <= $3
   FOR UPDATE OF s
"""
INSERT_TICKS = """
INSERT INTO loop_ticks (name, scope, slot, until, covered, epoch, began_at)
SELECT name, scope, slot, until, covered, $6, $7
  FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::integer[])
       AS due (name, scope, slot, until, covered)
"""
MOVE_ON = """
UPDATE loop_schedules s
   SET next_slot = due.until
  FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS due (name, scope, until)
 WHERE s.name = due.name
   AND s.scope = due.scope
"""
FINISH = """
UPDATE loop_ticks t
   SET state = ended.state, ended_at = ended.at, note = ended.note
  FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::timestamptz[], $6::text[])
       AS ended (name, scope, slot, state, at, note)
 WHERE t.name = ended.name
   AND t.scope = ended.scope
   AND t.slot = ended.slot
   AND t.epoch = $7
   AND t.state = 'running'
RETURNING t.name, t.scope, t.slot
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


@dataclass(frozen=True, slots=True)
class Ending:
    """How a tick ended, when, and in a few words why or with what."""

    tick: Tick
    state: Literal["done", "failed"]
    at: datetime
    note: str


async def claim(pool: Pool, name: str, scope: str, at: datetime, epoch: int) -> Tick | None:
    """Take a schedule's due slots, as one tick; None when none is due at `at`.

    Raises:
        Deposed: another process leads.
    """
    return (await claim_all(pool, [(name, scope)], at, epoch))[0]


async def claim_all(
    pool: Pool, keys: Sequence[tuple[str, str]], at: datetime, epoch: int
) -> tuple[Tick | None, ...]:
    """Take the due slots of many schedules in one transaction, each schedule's as one tick.

    Returned in the order of `keys`, each of which is a name and a scope and stands there once.

    Raises:
        Deposed: another process leads; nothing was taken.
    """
    async with pool.acquire() as con, con.transaction():
        await hold(con, epoch)
        rows = await con.fetch(SELECT_DUE, *_columns(keys, 2), at)
        ticks, counts = [], []
        for name, scope, slot, every_s in rows:
            until = schedules.after(name, scope, every_s, at)
            ticks.append(Tick(name, scope, slot, until))
            counts.append(schedules.covered(every_s, slot, until))
        if ticks:
            names, scopes, slots, untils = _columns(
                [(one.name, one.scope, one.slot, one.until) for one in ticks], 4
            )
            await con.execute(INSERT_TICKS, names, scopes, slots, untils, counts, epoch, at)
            await con.execute(MOVE_ON, names, scopes, untils)
    taken = {(one.name, one.scope): one for one in ticks}
    return tuple(taken.get(key) for key in keys)


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
    await finish_all(db, [Ending(tick, state, at, note)], epoch)


async def finish_all(db: Pool | Con, endings: Sequence[Ending], epoch: int) -> None:
    """Settle many ticks at once.

    Raises:
        Deposed: another leader took one of them up; the others are settled.
    """
    rows = [
        (one.tick.name, one.tick.scope, one.tick.slot, one.state, one.at, _kept(one.note))
        for one in endings
    ]
    found = await db.fetch(FINISH, *_columns(rows, 6), epoch)
    lost = {row[:3] for row in rows} - {tuple(row) for row in found}
    for name, scope, slot in sorted(lost):
        raise Deposed(f"tick {name} {scope} of {slot} is another leader's now.")


def _kept(note: str) -> str:
    return clean(note)[:LONGEST_NOTE]


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Return rows as the arrays that `unnest` takes."""
    return [[row[place] for row in rows] for place in range(width)]


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
