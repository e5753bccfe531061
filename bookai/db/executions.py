"""Who did which step, when and how it ended: the router's memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bookai.db.audit.body import clean
from bookai.db.memory import DEAD_AFTER_S
from bookai.db.pool import Con, Pool
from bookai.router import Outcome

OPEN_TASK = """
INSERT INTO tasks (job_id, capability, round, status)
VALUES ($1, $2, $3, 'open')
ON CONFLICT (job_id, capability, round) DO UPDATE SET round = excluded.round
RETURNING task_id, status
"""
CLOSE_TASK = "UPDATE tasks SET status = $2, finished_at = now() WHERE task_id = $1"
LOSE_RUNNING = """
UPDATE task_executions
   SET outcome = 'lost', finished_at = now(), error = 'the process ended while it ran'
 WHERE task_id = $1
   AND outcome = 'running'
"""
# Who joined a moment ago may be asked before the first beat made it known.
START = """
WITH newcomer AS (
    INSERT INTO agents (name, capabilities)
    VALUES ($2, ARRAY[$3::text])
    ON CONFLICT (name) DO NOTHING
)
INSERT INTO task_executions (task_id, agent, outcome, candidates, place)
VALUES ($1, $2, 'running', $4, $5)
RETURNING execution_id
"""
FINISH = """
UPDATE task_executions
   SET outcome = $2, fault = $3, error = $4, seconds = $5, finished_at = now()
 WHERE execution_id = $1
"""
REGISTER = """
INSERT INTO agents (name, capabilities, kind, last_seen_at)
VALUES ($1, $2, 'local', now())
ON CONFLICT (name) DO UPDATE
   SET capabilities = excluded.capabilities, last_seen_at = now()
"""
# `cancelled`, `lost` and a fault of the task's own say nothing about the agent.
SELECT_RECORDS = """
SELECT a.name, a.capabilities, a.kind, a.last_seen_at,
       extract(epoch FROM now() - a.last_seen_at)::float8 AS silent_s,
       d.tries, d.wins, d.median_s,
       (SELECT l.error FROM task_executions l
         WHERE l.agent = a.name AND l.outcome IN ('failed', 'timeout')
         ORDER BY l.finished_at DESC LIMIT 1) AS last_error,
       b.places, b.capacity, b.in_flight, b.breakers
  FROM agents a
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE e.outcome IN ('ok', 'refused', 'failed', 'timeout')
                                 AND coalesce(e.fault, '') NOT IN ('busy', 'client')) AS tries,
              count(*) FILTER (WHERE e.outcome IN ('ok', 'refused')) AS wins,
              percentile_cont(0.5) WITHIN GROUP (ORDER BY e.seconds)
                FILTER (WHERE e.outcome = 'ok') AS median_s
         FROM task_executions e
        WHERE e.agent = a.name) d
 CROSS JOIN LATERAL (
       SELECT coalesce(array_agg(p.place ORDER BY p.place), '{}') AS places,
              coalesce(sum(p.capacity), 0)::integer AS capacity,
              coalesce(sum(p.in_flight), 0)::integer AS in_flight,
              coalesce(array_agg(DISTINCT p.breaker), '{}') AS breakers
         FROM agent_beats p
        WHERE p.agent = a.name
          AND p.beat_at >= now() - make_interval(secs => $1)) b
 WHERE a.last_seen_at >= now() - make_interval(days => $2)
 ORDER BY a.name
"""
SELECT_ATTEMPTS = """
SELECT t.capability, t.round, t.status, e.agent, e.outcome, e.fault, e.error, e.seconds,
       e.candidates, e.started_at, e.place
  FROM tasks t
  JOIN task_executions e USING (task_id)
 WHERE t.job_id = $1
   AND ($2::text IS NULL OR t.capability = $2)
 ORDER BY e.execution_id
 LIMIT 500
"""

LEFT_OUT_AFTER_DAYS = 30
"""An agent that nobody has heard of for so long is no longer listed; its past stays."""

STORED: Mapping[Outcome, tuple[str, str | None]] = {
    "ok": ("ok", None),
    "refused": ("refused", None),
    "quality": ("failed", "quality"),
    "infra": ("failed", "infra"),
    "timeout": ("timeout", None),
    "busy": ("failed", "busy"),
    "client": ("failed", "client"),
    "cancelled": ("cancelled", None),
    "lost": ("lost", None),
}
"""The router's outcomes as they are stored: how it ended, and whose fault a failure was."""


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt at its begin: every candidate with its terms, best first, as text."""

    agent: str
    capability: str
    candidates: Sequence[Mapping[str, str | None]]
    place: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended, in the router's words."""

    outcome: Outcome
    error: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Past:
    """One attempt as it is looked back on; `outcome` and `fault` as they are stored."""

    capability: str
    round_: int
    status: str
    agent: str
    outcome: str
    fault: str | None
    error: str | None
    seconds: float | None
    candidates: tuple[Mapping[str, str | None], ...]
    started_at: datetime
    place: str | None


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """An agent's past in numbers, and where it is on duty now.

    A refusal counts as a win, see `bookai.router`. `silent_s` is how long ago it was last heard of;
    `places`, `capacity`, `in_flight` and `breakers` are those of the processes that are alive.
    """

    name: str
    capabilities: tuple[str, ...]
    kind: str
    last_seen_at: datetime
    silent_s: float
    tries: int
    wins: int
    median_s: float | None
    last_error: str | None
    places: tuple[str, ...]
    capacity: int
    in_flight: int
    breakers: tuple[str, ...]


async def register(pool: Pool, agents: Mapping[str, Iterable[str]]) -> None:
    """Write the agents of this process, so that every process knows them."""
    for name, capabilities in agents.items():
        await pool.execute(REGISTER, name, sorted(capabilities))


async def open_task(con: Con, job_id: int, capability: str, round_: int) -> tuple[int, bool]:
    """Return the id of this step's task and whether it was already done.

    Executions that still run belong to a process that is gone (the job's lock is ours): they are
    marked lost.
    """
    row = await con.fetchrow(OPEN_TASK, job_id, capability, round_)
    await con.execute(LOSE_RUNNING, row["task_id"])
    return row["task_id"], row["status"] == "done"


async def close_task(con: Con, task_id: int, status: str) -> None:
    """Note how the step ended: done, refused or failed."""
    await con.execute(CLOSE_TASK, task_id, status)


async def start(con: Con, task_id: int, begun: Begun) -> int:
    """Note that an agent begins, with every candidate's score; return the execution's id."""
    execution_id: int = await con.fetchval(
        START, task_id, begun.agent, begun.capability, list(begun.candidates), begun.place
    )
    return execution_id


async def finish(con: Con, execution_id: int, ended: Ended) -> None:
    """Note how an agent's attempt ended."""
    error = None if ended.error is None else clean(ended.error)
    await con.execute(FINISH, execution_id, *STORED[ended.outcome], error, ended.seconds)


async def track_records(pool: Pool) -> tuple[TrackRecord, ...]:
    """Return every agent that was heard of lately with its past, by name."""
    rows = await pool.fetch(SELECT_RECORDS, DEAD_AFTER_S, LEFT_OUT_AFTER_DAYS)
    return tuple(
        TrackRecord(
            name=row["name"],
            capabilities=tuple(row["capabilities"]),
            kind=row["kind"],
            last_seen_at=row["last_seen_at"],
            silent_s=row["silent_s"],
            tries=row["tries"],
            wins=row["wins"],
            median_s=row["median_s"],
            last_error=row["last_error"],
            places=tuple(row["places"]),
            capacity=row["capacity"],
            in_flight=row["in_flight"],
            breakers=tuple(row["breakers"]),
        )
        for row in rows
    )


async def attempts(pool: Pool, job_id: int, capability: str | None) -> tuple[Past, ...]:
    """Return the attempts at a job's steps, or at one kind of step, in the order they began."""
    return tuple(
        Past(
            capability=row["capability"],
            round_=row["round"],
            status=row["status"],
            agent=row["agent"],
            outcome=row["outcome"],
            fault=row["fault"],
            error=row["error"],
            seconds=row["seconds"],
            candidates=tuple(row["candidates"]),
            started_at=row["started_at"],
            place=row["place"],
        )
        for row in await pool.fetch(SELECT_ATTEMPTS, job_id, capability)
    )
