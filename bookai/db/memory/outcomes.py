"""How agents' work ended, in all processes: read once, then followed.

NOTIFY is only the bell: what ended is asked of the table, by the time at which it ended, so a
broken connection or a restart of Postgres loses nothing.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from bookai.db.pool import DATABASE_ERRORS, Con, Pool, connect
from bookai.errors import BookAIError
from bookai.router import Outcome

logger = logging.getLogger(__name__)

CHANNEL = "bookai_outcomes"
KEEP = timedelta(days=7)
"""What ended earlier says nothing about today's agents."""

NEWEST = 50
"""Attempts of one agent at one capability that a fresh process reads."""

POLL_S = 5.0
REST_S = 0.5
ASK_S = 10.0
GATHER_S = 0.1
"""Between two looks, so that many who end together cost one."""

# A transaction may commit so long after the time that it wrote down: look back by that much.
OVERLAP = timedelta(seconds=60)

# At most 500 rows an agent are read, however much it ever did.
SELECT_PAST = """
SELECT execution_id, agent, capability, outcome, fault, seconds, finished_at
  FROM (SELECT r.execution_id, r.agent, r.capability, r.outcome, r.fault, r.seconds,
               r.finished_at,
               row_number() OVER (PARTITION BY r.agent, r.capability
                                      ORDER BY r.finished_at DESC) AS nth
          FROM agents a
         CROSS JOIN LATERAL (
               SELECT e.execution_id, e.agent, t.capability, e.outcome, e.fault,
                      coalesce(e.seconds, 0) AS seconds, e.finished_at
                 FROM task_executions e
                 JOIN tasks t USING (task_id)
                WHERE e.agent = a.name
                  AND e.finished_at > now() - $1::interval
                ORDER BY e.finished_at DESC
                LIMIT 500) r) latest
 WHERE nth <= $2
 ORDER BY finished_at, execution_id
"""
SELECT_SINCE = """
SELECT e.execution_id, e.agent, t.capability, e.outcome, e.fault,
       coalesce(e.seconds, 0) AS seconds, e.finished_at
  FROM task_executions e
  JOIN tasks t USING (task_id)
 WHERE e.finished_at > $1
   AND e.place IS DISTINCT FROM $2
   AND e.execution_id <> ALL($3)
 ORDER BY e.finished_at, e.execution_id
 LIMIT 5000
"""
SELECT_NOW = "SELECT now()"


@dataclass(frozen=True, slots=True)
class Heard:
    """One attempt that ended, here or elsewhere, in the router's words."""

    execution_id: int
    agent: str
    capability: str
    outcome: Outcome
    seconds: float
    ended_at: datetime


class Memory:
    """The memory as one process has it; `place` names that process and is unique to it."""

    def __init__(self, dsn: str, pool: Pool, place: str) -> None:
        self.place = place
        self._dsn = dsn
        self._pool = pool
        self._since: datetime | None = None
        # What was told of the last minute: a transaction may commit after others that are younger.
        self._told: dict[int, datetime] = {}

    async def recall(self) -> tuple[Heard, ...]:
        """Return the newest attempts of every agent at every capability, oldest first."""
        self._since = await self._pool.fetchval(SELECT_NOW)
        return self._pass_over(await self._pool.fetch(SELECT_PAST, KEEP, NEWEST))

    async def follow(self, hear: Callable[[Sequence[Heard]], None], poll_s: float = POLL_S) -> None:
        """Tell `hear` whatever ends in other processes since `recall`, until cancelled.

        It hears within a moment by NOTIFY and within `poll_s` without; a connection that broke is
        made anew, and what ended meanwhile is told then. Nothing is told twice.
        """
        while True:
            try:
                async with _open_bell(self._dsn, self.place) as bell:
                    while True:
                        bell.rung.clear()
                        await self._catch_up(hear)
                        await bell.wait(poll_s)
                        await asyncio.sleep(GATHER_S)
            except (BookAIError, OSError, *DATABASE_ERRORS) as error:
                # A statement that takes too long is a TimeoutError, and that an OSError.
                logger.warning(
                    "Does not hear how others' work ends (%s): tries again",
                    type(error).__name__,
                    extra={"action": "memory_deaf"},
                )
                await asyncio.sleep(REST_S)

    async def _catch_up(self, hear: Callable[[Sequence[Heard]], None]) -> None:
        now: datetime = await self._pool.fetchval(SELECT_NOW)
        since = (self._since or now) - OVERLAP
        while rows := await self._pool.fetch(SELECT_SINCE, since, self.place, list(self._told)):
            hear(self._pass_over(rows))
        self._since = now
        self._told = {id_: at for id_, at in self._told.items() if at > now - OVERLAP}

    def _pass_over(self, rows: Sequence[asyncpg.Record]) -> tuple[Heard, ...]:
        heard = tuple(_heard(row) for row in rows)
        self._told.update((one.execution_id, one.ended_at) for one in heard)
        return heard


@dataclass(frozen=True, slots=True)
class _Bell:
    """Rings when something ended elsewhere, and when its own line breaks."""

    con: Con
    rung: asyncio.Event

    async def wait(self, limit_s: float) -> None:
        """Return when it rings, or after `limit_s`.

        Raises:
            ConnectionError: the line broke.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self.rung.wait()
        if self.con.is_closed():
            raise ConnectionError("the line to Postgres broke")


@asynccontextmanager
async def _open_bell(dsn: str, place: str) -> AsyncIterator[_Bell]:
    bell = _Bell(await connect(dsn, command_timeout=ASK_S), asyncio.Event())

    def ring(_con: Con, _pid: int, _channel: str, payload: str) -> None:
        if payload != place:
            bell.rung.set()

    try:
        bell.con.add_termination_listener(lambda _con: bell.rung.set())
        await bell.con.add_listener(CHANNEL, ring)
        yield bell
    finally:
        bell.con.terminate()


def _heard(row: asyncpg.Record) -> Heard:
    return Heard(
        execution_id=row["execution_id"],
        agent=row["agent"],
        capability=row["capability"],
        outcome=outcome_of(row["outcome"], row["fault"]),
        seconds=row["seconds"],
        ended_at=row["finished_at"],
    )


def outcome_of(stored: str, fault: str | None) -> Outcome:
    """Return what the router calls an execution; old failures do not say whose fault they were."""
    match stored, fault:
        case "failed", "infra":
            return "infra"
        case "failed", "busy":
            return "busy"
        case "failed", "client":
            return "client"
        case "ok" | "refused" | "timeout" | "cancelled" as told, _:
            return told
        case "lost" | "running", _:
            return "lost"
    return "quality"
