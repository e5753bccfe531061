"""The SQL side of the work queue: entries in the caller's transaction, locks that die with us.

The tables are procrastinate's. A job that runs holds a Postgres advisory lock on a connection of
its own: the server drops it the moment the process is gone, on this machine or another, so a dead
worker is known at once. `runs.recovery` takes jobs from dead and frozen workers.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import asyncpg
from procrastinate.schema import SchemaManager

from bookai.db.pool import DATABASE_ERRORS, Con, Pool, connect
from bookai.errors import BookAIError, Refused, TryLater

DESK = "desk-"
"""Queues that begin so belong to one watched job: only its watcher moves an entry there."""

# An entry that waits is brought forward, never put back: the sooner and more urgent wish wins.
# It stays with its watcher, who does whatever is to be done.
BRING_FORWARD = """
UPDATE procrastinate_jobs
   SET priority = greatest(priority, $2),
       queue_name = CASE WHEN starts_with(queue_name, $5) THEN queue_name ELSE $4 END,
       scheduled_at = CASE WHEN $3::timestamptz IS NULL OR scheduled_at IS NULL THEN NULL
                           ELSE least(scheduled_at, $3) END
 WHERE queueing_lock = $1
   AND status = 'todo'
RETURNING id
"""
DEFER = """
SELECT (procrastinate_defer_jobs_v1(ARRAY[
         ROW($1, $2, $3, $4, $5, $6::text::jsonb, $7)::procrastinate_job_to_defer_v1]))[1]
"""
# How long an entry could have been worked on: since it came back, or since the time it waited for.
SELECT_LOAD = """
SELECT j.queue_name,
       count(*) FILTER (WHERE j.status = 'todo') AS waiting,
       count(*) FILTER (WHERE j.status = 'doing') AS running,
       coalesce(extract(epoch FROM now() - min(greatest(j.scheduled_at, e.at))
                                           FILTER (WHERE j.status = 'todo')), 0) AS oldest_s
  FROM procrastinate_jobs j
  LEFT JOIN LATERAL (SELECT max(at) AS at
                       FROM procrastinate_events
                      WHERE job_id = j.id
                        AND type IN ('deferred', 'deferred_for_retry', 'retried')) e ON true
 WHERE j.status IN ('todo', 'doing')
 GROUP BY j.queue_name
"""
TRY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
UNLOCK = "SELECT pg_advisory_unlock(hashtextextended($1, 0))"

# procrastinate does not note in the database which version its tables are of.
CREATE_PACKAGES = """
CREATE TABLE IF NOT EXISTS schema_packages (
    name    text PRIMARY KEY,
    version text NOT NULL
)
"""
NO_TABLES = "SELECT to_regclass('procrastinate_jobs') IS NULL"
SELECT_VERSION = "SELECT version FROM schema_packages WHERE name = 'procrastinate'"
UPSERT_VERSION = """
INSERT INTO schema_packages (name, version)
VALUES ('procrastinate', $1)
ON CONFLICT (name) DO UPDATE SET version = excluded.version
"""

UPGRADES = Path(SchemaManager.get_migrations_path())

# A server that lost sight of us (a pulled cable) must drop our lock within half a minute.
KEEPALIVES = {
    "application_name": "bookai lock",
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
CLOSE_S = 5.0


class AlreadyRunning(TryLater):
    """Another process works under this lock right now."""


class LockLost(TryLater):
    """The connection that held the lock broke, so another process may work under it now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is queued. `lock` keeps entries of one lock from running side by side.

    With `once`, an entry of that name that still waits is used instead of a second one; it then
    gets the higher `priority` and the earlier `at` (None is now) of the two.
    """

    task: str
    args: Mapping[str, object]
    queue: str
    lock: str | None = None
    once: str | None = None
    at: datetime | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """A queue's entries; `oldest_s` is how long the oldest of those that may start has waited."""

    waiting: int
    running: int
    oldest_s: float


async def enqueue(con: Con, entry: Entry) -> int:
    """Add an entry in the caller's transaction, or find the one that waits; return its id."""
    while True:
        if entry.once is not None:
            waits = await con.fetchval(
                BRING_FORWARD, entry.once, entry.priority, entry.at, entry.queue, DESK
            )
            if waits is not None:
                return int(waits)
        # Somebody may add it between our look and our insert: then look again.
        with suppress(asyncpg.UniqueViolationError):
            async with con.transaction():
                return await _defer(con, entry)


async def _defer(con: Con, entry: Entry) -> int:
    added: int = await con.fetchval(
        DEFER,
        entry.queue,
        entry.task,
        entry.priority,
        entry.lock,
        entry.once,
        json.dumps(entry.args),
        entry.at,
    )
    return added


async def depth(pool: Pool) -> dict[str, int]:
    """Return how many entries wait, by queue; none where nothing waits."""
    return {name: load.waiting for name, load in (await loads(pool)).items() if load.waiting}


async def loads(pool: Pool) -> dict[str, Load]:
    """Return what waits and runs, by queue; watched jobs together as "desk"."""
    found: dict[str, Load] = {}
    for row in await pool.fetch(SELECT_LOAD):
        # One name for all watched jobs: it becomes a metric's label.
        name = "desk" if row["queue_name"].startswith(DESK) else row["queue_name"]
        other = found.get(name, Load(0, 0, 0.0))
        found[name] = Load(
            waiting=other.waiting + row["waiting"],
            running=other.running + row["running"],
            oldest_s=max(other.oldest_s, float(row["oldest_s"])),
        )
    return found


@asynccontextmanager
async def hold_running(dsn: str, lock: str, *, wait_s: float = 2.0) -> AsyncIterator[None]:
    """Hold `lock` while the block runs, on a connection of its own; break off when that is lost.

    It is asked for during `wait_s`, because the server needs a moment to see that a killed
    process is gone.

    Raises:
        AlreadyRunning: another process holds it.
        LockLost: the block was cancelled because the server does not hold the lock any more.
        OperatorNeeded: Postgres does not answer.
    """
    con = await connect(dsn, server_settings=KEEPALIVES)
    try:
        await _take(con, lock, wait_s)
        async with broken_off_when_closed(con, lock):
            yield
        # The end of the connection frees the lock as well: what was done stays done.
        with suppress(OSError, *DATABASE_ERRORS):
            await con.execute(UNLOCK, lock, timeout=CLOSE_S)
    finally:
        with suppress(OSError, *DATABASE_ERRORS):
            await con.close(timeout=CLOSE_S)


async def _take(con: Any, lock: str, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while not await con.fetchval(TRY_LOCK, lock):
        if time.monotonic() >= deadline:
            raise AlreadyRunning(f"{lock} is being worked on by another process.", after_s=10)
        await asyncio.sleep(0.1)


@asynccontextmanager
async def broken_off_when_closed(con: Any, lock: str) -> AsyncIterator[None]:
    """Cancel the block when the connection ends, as `asyncio.timeout` does at its deadline."""
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a lock is held by a task")
    before = task.cancelling()
    lost = False

    def on_end(_connection: object) -> None:
        nonlocal lost
        lost = True
        task.cancel()

    con.add_termination_listener(on_end)
    try:
        yield
    except asyncio.CancelledError:
        if lost and task.uncancel() <= before:
            raise _lost(lock) from None
        raise
    except (BookAIError, OSError, *DATABASE_ERRORS) as error:
        # A server that ends takes the lock and everything else: the first to notice gets here.
        if lost:
            task.uncancel()
            raise _lost(lock) from error
        raise
    finally:
        con.remove_termination_listener(on_end)


def _lost(lock: str) -> LockLost:
    return LockLost(f"Postgres dropped the lock {lock}: broke off.", after_s=5)


async def create_tables(con: Con, upgrades: Path = UPGRADES) -> list[str]:
    """Create or upgrade procrastinate's tables, as the owner and under the migration lock.

    `upgrades` holds the library's own migrations. Returns what was applied, for the operator.

    Raises:
        Refused: the tables belong to a newer procrastinate than the installed one.
    """
    installed = version("procrastinate")
    await con.execute(CREATE_PACKAGES)
    if await con.fetchval(NO_TABLES):
        async with con.transaction():
            await con.execute(SchemaManager.get_schema())
            await con.execute(UPSERT_VERSION, installed)
        return ["procrastinate"]
    found: str = await con.fetchval(SELECT_VERSION) or installed
    if _numbers(found)[:3] > _numbers(installed)[:3]:
        raise Refused(
            f"the queue's tables are of procrastinate {found}, but {installed} is installed. "
            "Install the newer release."
        )
    missing = _missing(upgrades, found, installed)
    for name, statements in missing.items():
        # One transaction a file: an enum's new value cannot be used in the one that adds it.
        async with con.transaction():
            await con.execute(statements)
            await con.execute(UPSERT_VERSION, name)
    if found != installed:
        await con.execute(UPSERT_VERSION, installed)
    return [f"procrastinate {name}" for name in missing]


def _missing(folder: Path, found: str, installed: str) -> dict[str, str]:
    """Return the migrations between two versions, by name and in order."""
    return {
        path.stem: path.read_text(encoding="utf-8")
        for path in sorted(folder.glob("*.sql"))
        if _numbers(found) < _numbers(path.stem) <= _numbers(installed)
    }


def _numbers(text: str) -> tuple[int, ...]:
    """Return the numbers of `03.10.00_01_pre_name`; `3.10.0` comes after all files of its kind."""
    numbers = [int(number) for number in re.findall(r"\d+", text)[:4]]
    return tuple(numbers + [99] * (4 - len(numbers)))
