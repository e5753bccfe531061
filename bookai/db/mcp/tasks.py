"""MCP tasks in Postgres: written before the caller hears of them, readable by his own kind alone.

A task belongs to one worker, the process that does the work. Whoever wants it cancelled or answers
its questions writes that down and calls the worker; it also looks by itself at every beat.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bookai.db import audit
from bookai.db.audit.body import clean
from bookai.db.mcp.line import Line, open_line
from bookai.db.pool import DATABASE_ERRORS, Con, Pool, Unreachable
from bookai.errors import TryLater
from bookai.mcp_tasks import Ended, NewTask, TaskRow, Wish

CHANNEL = "bookai_tasks"
LOCK = "bookai task worker "
MAX_MESSAGE = 300
SILENCE_S = 6.0
FROZEN_S = 60.0

_COLUMNS = (
    "task_id, principal, tool, state, message, created_at, updated_at, expires_at, "
    "asks, answers, result, error"
)

INSERT_TASK = """
INSERT INTO mcp_tasks (task_id, principal, tool, worker, message, expires_at)
VALUES ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(secs => $6))
"""
SELECT_TASK = f"""
SELECT {_COLUMNS}
  FROM mcp_tasks
 WHERE task_id = $1
   AND principal = $2
   AND expires_at > clock_timestamp()
"""  # noqa: S608  # a constant of ours
TELL = """
UPDATE mcp_tasks
   SET message = $3
 WHERE task_id = $1
   AND worker = $2
   AND state IN ('working', 'input_required')
"""
WISH_CANCEL = """
UPDATE mcp_tasks
   SET cancel_at = clock_timestamp()
 WHERE task_id = $1
   AND principal = $2
   AND cancel_at IS NULL
   AND state IN ('working', 'input_required')
RETURNING tool, worker
"""
ASK = """
UPDATE mcp_tasks
   SET state = 'input_required', asks = $3, answers = NULL
 WHERE task_id = $1
   AND worker = $2
   AND state = 'working'
RETURNING task_id
"""
SELECT_ASKED = """
SELECT asks, answers, worker
  FROM mcp_tasks
 WHERE task_id = $1
   AND principal = $2
   AND state = 'input_required'
   FOR UPDATE
"""
ANSWER = """
UPDATE mcp_tasks
   SET answers = $2, state = $3
 WHERE task_id = $1
"""
CALL = "SELECT pg_notify($1, $2)"
FINISH = """
UPDATE mcp_tasks
   SET state = $3, result = $4, error = $5, asks = NULL, answers = NULL
 WHERE task_id = $1
   AND worker = $2
   AND state IN ('working', 'input_required')
RETURNING task_id
"""
BEAT = """
UPDATE mcp_tasks
   SET heard_at = clock_timestamp()
 WHERE worker = $1
   AND state IN ('working', 'input_required')
RETURNING task_id, state, answers, cancel_at IS NOT NULL OR expires_at < clock_timestamp() AS cancel
"""
# Dead is whose lock is free and who was silent for a while: a connection that breaks is made anew
# within that time. Frozen is who holds his lock and says nothing.
TAKE_ORPHANS = """
WITH workers AS MATERIALIZED (
    SELECT worker, max(heard_at) AS heard_at
      FROM mcp_tasks
     WHERE state IN ('working', 'input_required')
       AND worker <> $1
     GROUP BY worker
), gone AS MATERIALIZED (
    SELECT worker
      FROM workers
     WHERE heard_at < clock_timestamp() - make_interval(secs => $2)
       AND (heard_at < clock_timestamp() - make_interval(secs => $3)
            OR pg_try_advisory_xact_lock(hashtextextended($4 || worker, 0)))
)
UPDATE mcp_tasks t
   SET state = CASE WHEN cancel_at IS NULL THEN 'failed' ELSE 'cancelled' END,
       error = CASE WHEN cancel_at IS NULL THEN $5 END,
       asks = NULL,
       answers = NULL
  FROM gone
 WHERE t.worker = gone.worker
   AND t.state IN ('working', 'input_required')
RETURNING t.task_id, t.principal, t.tool, t.worker, t.state
"""
# In pieces: what a busy day left must not lock the table for long.
REAP = """
DELETE FROM mcp_tasks
 WHERE task_id IN (SELECT task_id
                     FROM mcp_tasks
                    WHERE expires_at < clock_timestamp()
                      AND state IN ('completed', 'failed', 'cancelled')
                    LIMIT 500)
"""
COUNT = "SELECT state, count(*) AS tasks FROM mcp_tasks GROUP BY state"


@dataclass(frozen=True, slots=True)
class Tasks:
    """The tasks of all processes on one database; fills in `mcp_server.tasks.store.TaskStore`.

    What the database does not answer is raised as `TryLater`.
    """

    pool: Pool
    dsn: str
    silence_s: float = SILENCE_S
    frozen_s: float = FROZEN_S

    async def create(self, new: NewTask) -> TaskRow:
        """Keep a new task; it is committed when this returns."""
        async with self._asked() as con:
            await con.execute(
                INSERT_TASK,
                new.task_id,
                new.principal,
                new.tool,
                new.worker,
                _message(new.message) if new.message else None,
                new.ttl_s,
            )
            return _row(await con.fetchrow(SELECT_TASK, new.task_id, new.principal))

    async def get(self, task_id: str, principal: str) -> TaskRow | None:
        """Return the principal's task, or None: unknown, expired, or somebody else's."""
        async with self._asked() as con:
            row = await con.fetchrow(SELECT_TASK, task_id, principal)
        return _row(row) if row else None

    async def tell(self, task_id: str, worker: str, message: str) -> None:
        """Say how far a live task is."""
        async with self._asked() as con:
            await con.execute(TELL, task_id, worker, _message(message))

    async def cancel(self, task_id: str, principal: str) -> None:
        """Ask the worker to stop, and audit that; an ended task stays as it is."""
        async with self._asked() as con:
            row = await con.fetchrow(WISH_CANCEL, task_id, principal)
            if row is None:
                return
            body = {"task_id": task_id, "tool": row["tool"]}
            await audit.append(con, "task.cancel_asked", principal, body)
            await con.execute(CALL, CHANNEL, row["worker"])

    async def ask(self, task_id: str, worker: str, asks: Mapping[str, Any]) -> bool:
        """Set a task waiting for answers; return whether it was still at work."""
        async with self._asked() as con:
            return await con.fetchval(ASK, task_id, worker, json.dumps(asks)) is not None

    async def answer(self, task_id: str, principal: str, answers: Mapping[str, Any]) -> None:
        """Note answers to questions that were asked; with the last one the work goes on."""
        async with self._asked() as con:
            row = await con.fetchrow(SELECT_ASKED, task_id, principal)
            if row is None:
                return
            asks = json.loads(row["asks"])
            given = json.loads(row["answers"] or "{}")
            given |= {name: value for name, value in answers.items() if name in asks}
            state = "working" if given.keys() >= asks.keys() else "input_required"
            await con.execute(ANSWER, task_id, json.dumps(given), state)
            await con.execute(CALL, CHANNEL, row["worker"])

    async def finish(
        self, task_id: str, worker: str, state: Ended, outcome: Mapping[str, Any] | None
    ) -> bool:
        """End a task; return whether it was still this worker's to end.

        `outcome` is the result of a completed one and the error of a failed one.
        """
        text = json.dumps(outcome) if outcome is not None else None
        result, error = (text, None) if state == "completed" else (None, text)
        async with self._asked() as con:
            return await con.fetchval(FINISH, task_id, worker, state, result, error) is not None

    async def beat(self, worker: str) -> tuple[Wish, ...]:
        """Say that the worker lives; return what is wished of each of its live tasks."""
        async with self._asked() as con:
            rows = await con.fetch(BEAT, worker)
        return tuple(
            Wish(
                task_id=row["task_id"],
                cancel=row["cancel"],
                answers=json.loads(row["answers"])
                if row["answers"] and row["state"] == "working"
                else None,
            )
            for row in rows
        )

    async def tidy(self, worker: str, lost: Mapping[str, Any]) -> Mapping[str, int]:
        """End the tasks of dead workers with the error `lost`, forget expired ones, count the rest.

        What a dead worker's call did before it died is not known: each is audited.
        """
        async with self._asked() as con:
            rows = await con.fetch(
                TAKE_ORPHANS, worker, self.silence_s, self.frozen_s, LOCK, json.dumps(lost)
            )
            for row in rows:
                body = {name: row[name] for name in ("task_id", "tool", "worker", "state")}
                await audit.append(con, "task.lost", row["principal"], body)
            await con.execute(REAP)
            return {row["state"]: row["tasks"] for row in await con.fetch(COUNT)}

    def line(self, worker: str) -> AbstractAsyncContextManager[Line]:
        """Show that the worker lives, and hear its calls; `Line.wait` returns at each."""
        return self._line(worker)

    @asynccontextmanager
    async def _line(self, worker: str) -> AsyncIterator[Line]:
        async with _answering(), open_line(self.dsn, CHANNEL, worker, LOCK + worker) as line:
            yield line

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[Con]:
        async with _answering(), self.pool.acquire() as con, con.transaction():
            yield con


@asynccontextmanager
async def _answering() -> AsyncIterator[None]:
    try:
        yield
    except (OSError, Unreachable, *DATABASE_ERRORS) as error:
        # A statement that takes too long is a TimeoutError, and that an OSError.
        raise TryLater(
            f"The database does not answer for the tasks ({type(error).__name__}).", after_s=5.0
        ) from error


def _message(text: str) -> str:
    return clean(text)[:MAX_MESSAGE]


def _row(row: Mapping[str, Any]) -> TaskRow:
    asks = json.loads(row["asks"]) if row["asks"] and row["state"] == "input_required" else {}
    given = json.loads(row["answers"]) if row["answers"] else {}
    return TaskRow(
        **{name: row[name] for name in TaskRow.model_fields if name not in _JSON},
        asks={name: ask for name, ask in asks.items() if name not in given},
        result=json.loads(row["result"]) if row["result"] else None,
        error=json.loads(row["error"]) if row["error"] else None,
    )


_JSON = frozenset({"asks", "result", "error"})
