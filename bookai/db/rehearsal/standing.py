"""What a rehearsal leaves behind: jobs that nothing moves, each tick of the loop, what was read."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bookai.db.pool import Con, Pool

SILENT_S = 30.0

# Nobody works when this is asked. So whatever is at work, or was due and was not taken, is stuck.
SELECT_STUCK = """
SELECT j.job_id, j.status, j.stage,
       CASE WHEN p.id IS NULL AND j.status = 'running' THEN 'it is at work, and nobody has it'
            WHEN p.id IS NULL THEN 'it should move, and no queue entry moves it'
            WHEN p.status = 'doing' THEN 'a worker took it, and lives no more'
            WHEN j.status = 'running' THEN 'it is at work, and its queue entry waits'
            ELSE 'it was due, and nobody took it'
       END AS why
  FROM video_jobs j
  LEFT JOIN approvals a ON a.approval_id = (j.record ->> 'approval_id')::bigint
  LEFT JOIN LATERAL (SELECT q.id, q.status::text AS status, q.scheduled_at, q.worker_id
                       FROM procrastinate_jobs q
                      WHERE q.lock = $2 || j.job_id
                        AND q.status IN ('todo', 'doing')
                      ORDER BY q.status = 'doing' DESC, q.scheduled_at NULLS FIRST
                      LIMIT 1) p ON true
  LEFT JOIN procrastinate_workers w
    ON w.id = p.worker_id
   AND w.last_heartbeat >= now() - make_interval(secs => $3)
 WHERE (j.status IN ('queued', 'running') OR (j.status = 'waiting' AND a.state <> 'pending'))
   AND (p.id IS NULL
        OR (p.status = 'doing' AND w.id IS NULL)
        OR (p.status = 'todo' AND (j.status = 'running'
                                   OR coalesce(p.scheduled_at, '-infinity') < $1)))
 ORDER BY j.job_id
"""
SELECT_UNSENT = """
SELECT p.job_id, p.state AS status, 'outbox' AS stage, 'its sender fell silent' AS why
  FROM social_posts p
 WHERE p.state = 'sending'
   AND p.lease_until < $1
 ORDER BY p.job_id
"""
SELECT_MARKS = """
SELECT name, scope, slot, until, covered, state, note
  FROM loop_ticks
 ORDER BY name, scope, slot
"""
SELECT_SEEN = "SELECT url FROM trend_items WHERE url = ANY ($1::text[])"
SELECT_DUE = """
SELECT q.lock, q.scheduled_at
  FROM procrastinate_jobs q
 WHERE q.status = 'todo'
   AND starts_with(q.lock, $1)
"""


@dataclass(frozen=True, slots=True)
class Stuck:
    """A job that should move and does not, where it stands, and why not."""

    job_id: int
    status: str
    stage: str
    why: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A tick of the loop: the slots from `slot` until `until` that it settled, and how it ended."""

    slot: datetime
    until: datetime
    covered: int
    state: str
    note: str | None


async def list_stuck(db: Pool | Con, lock_prefix: str, at: datetime) -> tuple[Stuck, ...]:
    """Return what should have moved before `at`, when nobody works any more: nothing, ever."""
    rows = [
        *await db.fetch(SELECT_STUCK, at, lock_prefix, SILENT_S),
        *await db.fetch(SELECT_UNSENT, at),
    ]
    return tuple(Stuck(**row) for row in rows)


async def list_marks(db: Pool | Con) -> Mapping[tuple[str, str], tuple[Mark, ...]]:
    """Return the ticks of each schedule, by its name and scope, the oldest first."""
    found: defaultdict[tuple[str, str], list[Mark]] = defaultdict(list)
    for row in await db.fetch(SELECT_MARKS):
        name, scope, *rest = row.values()
        found[name, scope].append(Mark(*rest))
    return {key: tuple(marks) for key, marks in found.items()}


async def list_entries(db: Pool | Con, lock_prefix: str) -> Mapping[int, datetime | None]:
    """Return the jobs that have a queue entry waiting, with the time for which it waits."""
    return {
        int(row["lock"].removeprefix(lock_prefix)): row["scheduled_at"]
        for row in await db.fetch(SELECT_DUE, lock_prefix)
    }


async def count_seen(db: Pool | Con, urls: tuple[str, ...]) -> int:
    """Return how many of these stories the studio knows."""
    return len(await db.fetch(SELECT_SEEN, list(urls)))
