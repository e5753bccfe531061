"""How far each copy of the checkpoints outside the database has got, and who pushes it now."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from bookai.db import audit
from bookai.db.pool import Con, Pool
from bookai.models import Record

ACTOR = "studio"
MAX_ERROR = 2000

LOCK_CLASS = 0x626F6F6B
"""The first half of the advisory lock of a copy; the second is its name."""

TRY_LOCK = "SELECT pg_try_advisory_lock($1::integer, hashtext($2))"
UNLOCK = "SELECT pg_advisory_unlock($1::integer, hashtext($2))"
SELECT_NEWEST = """
SELECT tree_size, note, at
  FROM audit_checkpoint
 ORDER BY tree_size DESC
 LIMIT 1
"""
SELECT_OVER = """
SELECT note
  FROM audit_checkpoint
 WHERE tree_size = $1
"""
SELECT_FIRST_AFTER = """
SELECT at
  FROM audit_checkpoint
 WHERE tree_size > $1
 ORDER BY tree_size
 LIMIT 1
"""
SELECT_COPIES = """
SELECT name, kind, tree_size, failures, diverged, error, succeeded_at, tried_at, next_at
  FROM audit_exports
 ORDER BY name
"""
SELECT_COPY = """
SELECT name, kind, tree_size, failures, diverged, error, succeeded_at, tried_at, next_at
  FROM audit_exports
 WHERE name = $1
   FOR UPDATE
"""
UPSERT_SUCCESS = """
INSERT INTO audit_exports (name, kind, tree_size, succeeded_at, tried_at, next_at)
VALUES ($1, $2, $3, $4, $4, $5)
ON CONFLICT (name) DO UPDATE
   SET kind = excluded.kind, tree_size = excluded.tree_size, failures = 0, diverged = false,
       error = NULL, succeeded_at = excluded.succeeded_at, tried_at = excluded.tried_at,
       next_at = excluded.next_at
"""
UPSERT_FAILURE = """
INSERT INTO audit_exports (name, kind, failures, diverged, error, tried_at, next_at)
VALUES ($1, $2, 1, $3, $4, $5, $6)
ON CONFLICT (name) DO UPDATE
   SET kind = excluded.kind, failures = audit_exports.failures + 1, diverged = excluded.diverged,
       error = excluded.error, tried_at = excluded.tried_at, next_at = excluded.next_at
"""


class SignedNote(Record):
    """A signed checkpoint: it covers the first `tree_size` events, and so all notes before it."""

    tree_size: int
    note: str
    at: datetime


class CopyRow(Record):
    """The state of one copy. `failures` counts since the last success.

    `diverged`: what lies there is not the history that the database tells.
    """

    name: str
    kind: str
    tree_size: int
    failures: int
    diverged: bool
    error: str | None
    succeeded_at: datetime | None
    tried_at: datetime
    next_at: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a copy could not be brought forward; `diverged` when it tells another history."""

    why: str
    diverged: bool = False


async def newest(db: Pool | Con) -> SignedNote | None:
    """Return the newest checkpoint, or None before the first seal."""
    row = await db.fetchrow(SELECT_NEWEST)
    return SignedNote(**dict(row)) if row else None


async def note_over(db: Pool | Con, tree_size: int) -> str | None:
    """Return our own note over so many events, or None when we never made one."""
    note: str | None = await db.fetchval(SELECT_OVER, tree_size)
    return note


async def behind_since(db: Pool | Con, tree_size: int) -> datetime | None:
    """Return when the first checkpoint over more events was made, or None when there is none."""
    at: datetime | None = await db.fetchval(SELECT_FIRST_AFTER, tree_size)
    return at


async def list_(db: Pool | Con) -> tuple[CopyRow, ...]:
    """Return every copy that was ever tried, by name."""
    return tuple(CopyRow(**dict(row)) for row in await db.fetch(SELECT_COPIES))


@asynccontextmanager
async def hold(pool: Pool, name: str) -> AsyncIterator[bool]:
    """Lend the right to push to one copy, True in one process at a time; never waits."""
    async with pool.acquire() as con:
        held: bool = await con.fetchval(TRY_LOCK, LOCK_CLASS, name)
        try:
            yield held
        finally:
            if held and not con.is_closed():
                await con.execute(UNLOCK, LOCK_CLASS, name)


async def note_success(
    pool: Pool, name: str, kind: str, tree_size: int, now: datetime, next_at: datetime
) -> bool:
    """Write down that the copy covers `tree_size` events; return whether it did not work before."""
    async with audit.transaction(pool) as con:
        before = await con.fetchrow(SELECT_COPY, name)
        await con.execute(UPSERT_SUCCESS, name, kind, tree_size, now, next_at)
        changed = before is None or before["failures"] > 0 or before["succeeded_at"] is None
        if changed:
            body = {"copy": name, "kind": kind, "tree_size": tree_size}
            await audit.append(con, "evidence.works", ACTOR, body)
    return changed


async def note_failure(
    pool: Pool, name: str, kind: str, failure: Failure, now: datetime, next_at: datetime
) -> bool:
    """Write down why the copy could not be brought forward; return whether that is news."""
    text = audit.clean(failure.why)[:MAX_ERROR] or "no reason given"
    async with audit.transaction(pool) as con:
        before = await con.fetchrow(SELECT_COPY, name)
        await con.execute(UPSERT_FAILURE, name, kind, failure.diverged, text, now, next_at)
        changed = (
            before is None
            or before["failures"] == 0
            or (failure.diverged and not before["diverged"])
        )
        if changed:
            said = "evidence.diverged" if failure.diverged else "evidence.failed"
            await audit.append(con, said, ACTOR, {"copy": name, "kind": kind, "error": text})
    return changed
