"""Who did which step, when and how it ended: the router's memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bookai.db.pool import Con, Pool
from bookai.router import Attempt, Choice

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
START = """
INSERT INTO task_executions (task_id, agent, outcome, candidates)
VALUES ($1, $2, 'running', $3)
RETURNING execution_id
"""
FINISH = """
UPDATE task_executions
   SET outcome = $2, error = $3, seconds = $4, finished_at = now()
 WHERE execution_id = $1
"""
SELECT_PAST = """
SELECT agent, outcome, coalesce(seconds, 0) AS seconds, finished_at
  FROM (SELECT e.agent, e.outcome, e.seconds, e.finished_at,
               row_number() OVER (PARTITION BY e.agent ORDER BY e.finished_at DESC) AS nth
          FROM task_executions e
          JOIN tasks t USING (task_id)
         WHERE t.capability = $1
           AND e.finished_at IS NOT NULL) latest
 WHERE nth <= 50
"""
REGISTER = """
INSERT INTO agents (name, capabilities, kind, last_seen_at)
VALUES ($1, $2, 'local', now())
ON CONFLICT (name) DO UPDATE
   SET capabilities = excluded.capabilities, last_seen_at = now()
"""
SELECT_RECORDS = """
SELECT a.name, a.capabilities,
       count(e.execution_id) FILTER (WHERE e.outcome IN ('ok', 'refused', 'failed', 'timeout'))
         AS tries,
       count(e.execution_id) FILTER (WHERE e.outcome IN ('ok', 'refused')) AS wins,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY e.seconds)
         FILTER (WHERE e.outcome = 'ok') AS median_s,
       (SELECT l.error FROM task_executions l
         WHERE l.agent = a.name AND l.outcome IN ('failed', 'timeout')
         ORDER BY l.finished_at DESC LIMIT 1) AS last_error
  FROM agents a
  LEFT JOIN task_executions e ON e.agent = a.name
 GROUP BY a.name, a.capabilities
 ORDER BY a.name
"""


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """An agent's past in numbers; a refusal counts as a win, see `bookai.router`."""

    name: str
    capabilities: tuple[str, ...]
    tries: int
    wins: int
    median_s: float | None
    last_error: str | None


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


async def start(con: Con, task_id: int, agent: str, choices: Sequence[Choice]) -> int:
    """Note that an agent begins, with every candidate's score; return the execution's id."""
    candidates = [choice.as_json() for choice in choices]
    execution_id: int = await con.fetchval(START, task_id, agent, candidates)
    return execution_id


async def finish(
    con: Con, execution_id: int, outcome: str, error: str | None, seconds: float
) -> None:
    """Note how an agent's attempt ended."""
    await con.execute(FINISH, execution_id, outcome, error, seconds)


async def past(pool: Pool, capability: str) -> dict[str, list[Attempt]]:
    """Return the last 50 attempts of every agent at a capability."""
    found: dict[str, list[Attempt]] = {}
    for row in await pool.fetch(SELECT_PAST, capability):
        ended: datetime = row["finished_at"]
        attempt = Attempt(ended, row["outcome"], float(row["seconds"]))
        found.setdefault(row["agent"], []).append(attempt)
    return found


async def track_records(pool: Pool) -> tuple[TrackRecord, ...]:
    """Return every known agent with its past, by name."""
    rows = await pool.fetch(SELECT_RECORDS)
    return tuple(
        TrackRecord(
            name=row["name"],
            capabilities=tuple(row["capabilities"]),
            tries=row["tries"],
            wins=row["wins"],
            median_s=row["median_s"],
            last_error=row["last_error"],
        )
        for row in rows
    )
