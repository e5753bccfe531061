"""Measure a studio under load: how late its ticks are, what its plans came to, what grows."""

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg

from benchmarks.capacity.stage import Hands, Moment, Stage, wait_until_settled
from benchmarks.unattended.approver import Approver
from studio.loop.run import OUTSIDE

MIB = 2**20
LATE_S = 30.0
"""A post that is out within so many seconds of its slot is on time."""

ANSWER_S = 5.0
"""The operator looks so often: to list what waits is work for the database too."""

TICKS = """
SELECT count(*),
       count(*) FILTER (WHERE state = 'failed'),
       percentile_cont(ARRAY[0.5, 0.99, 1.0]) WITHIN GROUP (
           ORDER BY extract(epoch FROM began_at - slot)),
       percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (
           ORDER BY extract(epoch FROM ended_at - began_at)),
       count(*) FILTER (WHERE name = 'plan'),
       percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (
           ORDER BY extract(epoch FROM ended_at - began_at)) FILTER (WHERE name = 'plan'),
       sum(extract(epoch FROM ended_at - began_at)) FILTER (WHERE name <> ALL (%(outside)s)),
       sum(extract(epoch FROM ended_at - began_at)) FILTER (WHERE name = ANY (%(outside)s)),
       (SELECT coalesce(max(extract(epoch FROM %(until)s - next_slot)), 0)
          FROM loop_schedules
         WHERE active
           AND next_slot < %(until)s)
  FROM loop_ticks
 WHERE slot >= %(since)s
   AND slot < %(until)s
"""
# A job that was not approved in time moves to a later slot: that it had this one, the log says.
SLOTS = """
SELECT (SELECT count(DISTINCT (body::jsonb ->> 'channel', body::jsonb ->> 'slot_at'))
          FROM audit_log
         WHERE kind = 'slot.claimed'
           AND (body::jsonb ->> 'slot_at')::timestamptz > %(since)s
           AND (body::jsonb ->> 'slot_at')::timestamptz <= %(until)s),
       count(*) FILTER (WHERE p.state = 'posted'
                          AND p.published_at <= s.slot_at + make_interval(secs => %(late_s)s)),
       percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (
           ORDER BY extract(epoch FROM p.published_at - s.slot_at))
  FROM publish_slots s
  LEFT JOIN social_posts p ON p.job_id = s.job_id
 WHERE s.slot_at > %(since)s
   AND s.slot_at <= %(until)s
"""
JOBS = """
SELECT count(*) FILTER (WHERE created_at >= %(since)s),
       count(*) FILTER (WHERE created_at >= %(since)s AND requested_by = 'schedule'),
       count(*) FILTER (WHERE status = 'done' AND updated_at >= %(since)s),
       count(*) FILTER (WHERE status IN ('refused', 'failed') AND updated_at >= %(since)s),
       count(*) FILTER (WHERE status IN ('queued', 'running'))
  FROM video_jobs
 WHERE status <> 'done'
    OR updated_at >= %(since)s
"""
MADE = """
SELECT count(*),
       percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (
           ORDER BY extract(epoch FROM a.requested_at - j.created_at))
  FROM approvals a
  JOIN video_jobs j ON j.job_id = a.job_id
 WHERE a.requested_at >= %s
"""
WHY = """
SELECT reason, count(*) FROM video_jobs
 WHERE status IN ('refused', 'failed') AND updated_at >= %s
 GROUP BY reason ORDER BY 2 DESC LIMIT 3
"""


@dataclass(frozen=True, slots=True)
class Ticks:
    """The loop's ticks; `inside` and `outside` are how many ran side by side on average."""

    count: int
    failed: int
    lag_s: tuple[float, ...]
    took_s: tuple[float, ...]
    plans: int
    plan_s: tuple[float, ...]
    inside: float
    outside: float
    overdue_s: float


@dataclass(frozen=True, slots=True)
class Slots:
    """Slots of the calendar that came up: `filled` had a job, `out` were published on time."""

    due: int
    filled: int
    out: int
    late_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Jobs:
    """Jobs, `by_plan` of them started by the planner; `hands` held them on average."""

    started: int
    by_plan: int
    made: int
    made_s: tuple[float, ...]
    done: int
    ended: int
    underway: int
    hands: float
    waited: int
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Database:
    """What Postgres did each second; `connections` are the most that were open, of `allowed`."""

    transactions: float
    rows_read: float
    rows_written: float
    connections: int
    allowed: int
    wal_mib: float


@dataclass(frozen=True, slots=True)
class Growth:
    """By how much a table and its indexes grew."""

    mib: float
    rows: int


@dataclass(frozen=True, slots=True)
class Load:
    """One rate's measurements, over `seconds`; CPU in cores of `cpus`."""

    rate: float
    seconds: float
    first_s: float
    ticks: Ticks
    slots: Slots
    jobs: Jobs
    database: Database
    cores: dict[str, float]
    cpus: int
    grown: dict[str, Growth]

    @property
    def own_cores(self) -> float:
        """Return what the studio itself used: not the harness, not others."""
        return sum(self.cores[name] for name in ("loop", "workers", "postgres"))


def measure(stage: Stage, rate: float, seconds: float, until: float) -> Load:
    """Wait until the studio is settled, at most until `until` of the monotonic clock; measure."""
    with (
        psycopg.connect(stage.server.postgres.dsn(), autocommit=True) as con,
        Approver(stage.folder, ANSWER_S) as approver,
    ):
        first_s = wait_until_settled(con, stage, until)
        hands = Hands()
        before = Moment.take(con, stage)
        hands.watch(con, seconds)
        after = Moment.take(con, stage)
        passed = after.clock - before.clock
        load = Load(
            rate=rate,
            seconds=passed,
            first_s=first_s,
            ticks=_ticks(con, before, after),
            slots=_slots(con, stage, before, after),
            jobs=_jobs(con, before, hands),
            database=_database(con, before, after, hands),
            cores=_cores(before, after),
            cpus=os.cpu_count() or 1,
            grown=_grown(before, after),
        )
    approver.raise_error()
    return load


def _row(con: psycopg.Connection, question: str, given: Any) -> tuple[Any, ...]:
    row = con.execute(question.encode(), given).fetchone()
    assert row is not None
    return row


def _floats(values: Any, count: int) -> tuple[float, ...]:
    return tuple(float(one or 0.0) for one in values) if values else (0.0,) * count


def _ticks(con: psycopg.Connection, before: Moment, after: Moment) -> Ticks:
    given = {"since": before.at, "until": after.at, "outside": list(OUTSIDE)}
    row = _row(con, TICKS, given)
    seconds = after.clock - before.clock
    return Ticks(
        count=row[0],
        failed=row[1],
        lag_s=_floats(row[2], 3),
        took_s=_floats(row[3], 2),
        plans=row[4],
        plan_s=_floats(row[5], 2),
        inside=float(row[6] or 0) / seconds,
        outside=float(row[7] or 0) / seconds,
        overdue_s=float(row[8]),
    )


def _slots(con: psycopg.Connection, stage: Stage, before: Moment, after: Moment) -> Slots:
    """Judge the slots of a time that ends early enough for their posts to be on time."""
    since, until = (one.at - timedelta(seconds=LATE_S) for one in (before, after))
    since = max(since, stage.calendar.opens)
    row = _row(con, SLOTS, {"since": since, "until": until, "late_s": LATE_S})
    due = stage.calendar.count(since, until)
    return Slots(due, row[0], row[1], _floats(row[2], 2))


def _jobs(con: psycopg.Connection, before: Moment, hands: Hands) -> Jobs:
    row = _row(con, JOBS, {"since": before.at})
    made = _row(con, MADE, (before.at,))
    why = con.execute(WHY, (before.at,)).fetchall()
    return Jobs(
        started=row[0],
        by_plan=row[1],
        made=made[0],
        made_s=_floats(made[1], 2),
        done=row[2],
        ended=row[3],
        underway=row[4],
        hands=hands.mean,
        waited=max(hands.waiting, default=0),
        why=tuple(f"{count} times: {reason}" for reason, count in why),
    )


def _database(con: psycopg.Connection, before: Moment, after: Moment, hands: Hands) -> Database:
    seconds = after.clock - before.clock
    allowed = _row(con, "SELECT current_setting('max_connections')::int", None)[0]
    return Database(
        transactions=(after.work.transactions - before.work.transactions) / seconds,
        rows_read=(after.work.read - before.work.read) / seconds,
        rows_written=(after.work.written - before.work.written) / seconds,
        connections=max(hands.connections, default=0),
        allowed=allowed,
        wal_mib=(after.wal_bytes - before.wal_bytes) / MIB / seconds,
    )


def _cores(before: Moment, after: Moment) -> dict[str, float]:
    seconds = after.clock - before.clock
    cores = {name: (after.cpu_s[name] - used) / seconds for name, used in before.cpu_s.items()}
    busy = (after.machine_s - before.machine_s) / seconds
    return cores | {"others": max(0.0, busy - sum(cores.values()))}


def _grown(before: Moment, after: Moment) -> dict[str, Growth]:
    found = {}
    for name, table in after.tables.items():
        was = before.tables.get(name)
        size = table.size_bytes - (was.size_bytes if was else 0)
        rows = table.rows - (was.rows if was else 0)
        if size > 0 or rows > 0:
            found[name] = Growth(max(0, size) / MIB, max(0, rows))
    return found
