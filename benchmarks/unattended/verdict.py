"""What must hold after a soak, asked of the database, the gallery and the audit log."""

import os
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

from bookai.db.loop import schedules
from tools.site import store

if TYPE_CHECKING:
    from benchmarks.unattended.alarms import Fired
    from benchmarks.unattended.soaking import Sample

FLAT_SHARE = 0.15
FLAT_CONNECTIONS = 4
WARM = 0.15
LEAST = 3
VERIFY_S = 120
MICRO = timedelta(microseconds=2)
ENDS = ("done", "refused", "cancelled", "waiting")
MUST_FIRE = "NoLeader"

SCHEDULES = "SELECT name, scope, every_s, since, next_slot FROM loop_schedules WHERE active"
TICKS = """
SELECT name, scope, slot, until, covered, epoch, tries, state, note,
       extract(epoch FROM began_at - slot)::float8 AS lag_s
  FROM loop_ticks
 ORDER BY name, scope, slot
"""
LEADER = "SELECT max(epoch) FROM loop_epochs WHERE ended_at IS NULL"
EPOCHS = "SELECT count(*) FROM loop_epochs"
JOBS = "SELECT job_id, status, stage, reason FROM video_jobs ORDER BY job_id"
POSTS = "SELECT job_id, state, external_id, idempotency_key FROM social_posts"
# Our operator answers each question, so what waits for an answer will move too.
UNDER_WAY = """
SELECT count(*)
  FROM video_jobs j
  LEFT JOIN approvals a ON a.approval_id = (j.record ->> 'approval_id')::bigint
 WHERE j.status IN ('queued', 'running')
    OR (j.status = 'waiting' AND a.state IN ('pending', 'approved')
        AND coalesce(j.not_before, now()) <= now()
        AND NOT EXISTS (SELECT FROM social_posts p
                         WHERE p.job_id = j.job_id AND p.state IN ('unknown', 'failed', 'dead')))
"""
LEFT = f"""
SELECT j.job_id, j.status, j.stage,
       coalesce(string_agg('entry ' || p.id || ' is ' || p.status, ', '), 'no entry is queued')
  FROM video_jobs j
  LEFT JOIN approvals a ON a.approval_id = (j.record ->> 'approval_id')::bigint
  LEFT JOIN procrastinate_jobs p
    ON p.args ->> 'job_id' = j.job_id::text AND p.status IN ('todo', 'doing')
 WHERE a.state IS DISTINCT FROM 'pending'
   AND j.job_id IN ({UNDER_WAY.replace("count(*)", "j.job_id")})
 GROUP BY j.job_id
 ORDER BY j.job_id
"""  # noqa: S608  # two statements of ours
QUEUED_FOR_NOTHING = """
SELECT count(*)
  FROM video_jobs j
 WHERE j.status IN ('queued', 'running')
   AND NOT EXISTS (SELECT FROM procrastinate_jobs p
                    WHERE p.args ->> 'job_id' = j.job_id::text AND p.status IN ('todo', 'doing'))
"""


@dataclass(frozen=True, slots=True)
class Ticks:
    """The loop's account: `slots` passed, `settled` of them by `count` ticks."""

    count: int
    slots: int
    settled: int
    again: int
    failed: int
    elections: int
    lag_p50_s: float
    lag_p99_s: float
    wrong: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found; `broken` are promises that were not kept, each in a sentence.

    `not_told` are those of which too little was seen to say either.
    """

    ticks: Ticks
    jobs: dict[str, int]
    stuck: tuple[str, ...]
    posts: dict[str, int]
    pages: int
    audit: str
    memory_mib: tuple[float, float]
    postgres_mib: tuple[float, float]
    connections: tuple[float, float]
    broken: tuple[str, ...] = field(default=())
    not_told: tuple[str, ...] = field(default=())


def under_way(con: psycopg.Connection) -> int:
    """Return how many jobs still have work to do."""
    row = con.execute(UNDER_WAY).fetchone()
    return int(row[0]) if row else 0


def left(con: psycopg.Connection) -> dict[int, str]:
    """Return the jobs that should have moved and did not, with what the queue says of each.

    Asked while the workers still live: to stop one ends a job in its hands, stuck or not.
    """
    return {
        job_id: f"job {job_id} is {status} at {stage} though its workers live; {entries}"
        for job_id, status, stage, entries in con.execute(LEFT.encode())
    }


class judge:  # reads as what is asked: judge.ticks, judge.all
    """The questions."""

    @staticmethod
    def ticks(con: psycopg.Connection) -> Ticks:
        """Follow each schedule from its first slot to its next: no gap, no slot twice."""
        # The loops still work: all of it is read as of one moment.
        with con.transaction(), con.cursor(row_factory=dict_row) as rows:
            rows.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            plans = rows.execute(SCHEDULES).fetchall()
            ticks = rows.execute(TICKS).fetchall()
            leader = _one(con, LEADER)
        wrong: list[str] = []
        slots = 0
        for plan in plans:
            mine = [t for t in ticks if (t["name"], t["scope"]) == (plan["name"], plan["scope"])]
            slots += _count(plan)
            wrong += _follow(plan, mine)
        stale = [t for t in ticks if t["state"] == "running" and t["epoch"] != leader]
        wrong += [f"{t['name']} {t['scope']} {t['slot']} runs under a dead epoch" for t in stale]
        lags = sorted(t["lag_s"] for t in ticks if t["tries"] == 1)
        failed = [t for t in ticks if t["state"] == "failed"]
        reasons = Counter(f"{t['name']}: {t['note']}"[:160] for t in failed)
        return Ticks(
            count=len(ticks),
            slots=slots,
            settled=sum(t["covered"] for t in ticks),
            again=sum(t["tries"] > 1 for t in ticks),
            failed=len(failed),
            elections=_one(con, EPOCHS),
            lag_p50_s=lags[len(lags) // 2] if lags else 0.0,
            lag_p99_s=lags[int(len(lags) * 0.99)] if lags else 0.0,
            wrong=tuple(wrong),
            reasons=tuple(f"{count} times {why}" for why, count in reasons.most_common(4)),
        )

    @staticmethod
    def all(
        con: psycopg.Connection,
        home: Path,
        ticks: Ticks,
        samples: "Sequence[Sample]",
        alerts: "tuple[Fired, ...] | None",
        stayed: Mapping[int, str],
    ) -> Verdict:
        """Ask everything; `stayed` are the jobs that were `left` when there was time enough."""
        with con.cursor(row_factory=dict_row) as rows:
            jobs = rows.execute(JOBS).fetchall()
            posts = rows.execute(POSTS).fetchall()
        ended = {
            job["job_id"]: f"job {job['job_id']} is {job['status']} at {job['stage']}: "
            f"{job['reason']}"
            for job in jobs
            if job["status"] not in ENDS
        }
        stuck = tuple((ended | dict(stayed)).values())
        pages = [store.entry_of(path) for path in sorted((home / "gallery/v").glob("*"))]
        audit = _verify(home)
        verdict = Verdict(
            ticks=ticks,
            jobs=dict(Counter(job["status"] for job in jobs)),
            stuck=stuck,
            posts=dict(Counter(post["state"] for post in posts)),
            pages=len(pages),
            audit=audit[1],
            memory_mib=_thirds([one.spared_mib for one in samples]),
            postgres_mib=_thirds([one.postgres_mib for one in samples]),
            connections=_thirds([float(one.connections) for one in samples]),
        )
        broken = [*ticks.wrong, *stuck, *_published(jobs, posts, pages), *_steady(verdict)]
        if ticks.settled != ticks.slots:
            broken.append(f"{ticks.slots} slots passed and {ticks.settled} were settled")
        if not audit[0]:
            broken.append(f"the audit log does not verify: {audit[1]}")
        if idle := _one(con, QUEUED_FOR_NOTHING):
            broken.append(f"{idle} jobs are to be worked on, and the queue does not know them")
        if alerts is not None and MUST_FIRE not in {one.name for one in alerts}:
            broken.append(f"{MUST_FIRE} did not fire although nobody led")
        unseen = _not_told(verdict, is_watched=alerts is not None)
        return Verdict(**{**_fields(verdict), "broken": tuple(broken), "not_told": unseen})


def _fields(verdict: Verdict) -> dict[str, Any]:
    return {name: getattr(verdict, name) for name in Verdict.__dataclass_fields__}


def _one(con: psycopg.Connection, question: str) -> int:
    row = con.execute(question.encode()).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def _count(plan: dict[str, Any]) -> int:
    """Count the slots from a schedule's first to before its next, by the grid and not by ticks."""
    slot, count = plan["since"], 0
    while slot < plan["next_slot"] - MICRO:
        count += 1
        slot = schedules.after(plan["name"], plan["scope"], plan["every_s"], slot)
    return count


def _follow(plan: dict[str, Any], ticks: list[dict[str, Any]]) -> list[str]:
    name = f"{plan['name']} {plan['scope']}".strip()
    if not ticks:
        return [f"{name} was never done"]
    wrong = []
    if ticks[0]["slot"] != plan["since"]:
        wrong.append(f"{name}: its first slots are lost, until {ticks[0]['slot']}")
    for one, after in pairwise(ticks):
        if after["slot"] > one["until"]:
            wrong.append(f"{name}: lost between {one['until']} and {after['slot']}")
        if after["slot"] < one["until"]:
            wrong.append(f"{name}: {after['slot']} was done twice")
    if ticks[-1]["until"] != plan["next_slot"]:
        wrong.append(f"{name}: {ticks[-1]['until']} is settled, next is {plan['next_slot']}")
    return wrong


def _published(
    jobs: list[dict[str, Any]], posts: list[dict[str, Any]], pages: Sequence[Any]
) -> list[str]:
    wrong = []
    out = Counter(page.key for page in pages if page is not None)
    known = {post["idempotency_key"]: post for post in posts}
    wrong += [f"a page in the gallery is not whole ({n})" for n in [pages.count(None)] if n]
    wrong += [f"post {key} is out {count} times" for key, count in out.items() if count > 1]
    wrong += [f"page {key} is no post of ours" for key in out if key not in known]
    wrong += [
        f"job {post['job_id']} has a receipt and no page"
        for key, post in known.items()
        if post["state"] == "posted" and key not in out
    ]
    posted = Counter(post["job_id"] for post in posts if post["state"] == "posted")
    wrong += [f"job {job} has {count} receipts" for job, count in posted.items() if count > 1]
    done = {job["job_id"] for job in jobs if job["status"] == "done"}
    return wrong + [f"job {job} is done and not out" for job in sorted(done - set(posted))]


def _thirds(values: list[float]) -> tuple[float, float]:
    """Return the medians of the first and of the last third, the start left out; else zeros."""
    steady = values[int(len(values) * WARM) :]
    third = len(steady) // 3
    if third < LEAST:
        return 0.0, 0.0
    return statistics.median(steady[:third]), statistics.median(steady[-third:])


def _not_told(verdict: Verdict, *, is_watched: bool) -> tuple[str, ...]:
    """Name the promises of which too little was seen."""
    told = []
    if (0.0, 0.0) in (verdict.memory_mib, verdict.postgres_mib, verdict.connections):
        told.append("memory and connections: too seldom was everybody at work; soak longer")
    if not is_watched:
        told.append("alerts: no Prometheus watched; name one with --prometheus")
    return tuple(told)


def _steady(verdict: Verdict) -> list[str]:
    wrong = []
    for name, (early, late) in (
        ("the memory of the loop and worker that were spared", verdict.memory_mib),
        ("Postgres's memory", verdict.postgres_mib),
    ):
        if late > early * (1 + FLAT_SHARE):
            wrong.append(f"{name} grew from {early:.0f} to {late:.0f} MiB")
    early, late = verdict.connections
    if late > early + FLAT_CONNECTIONS:
        wrong.append(f"connections grew from {early:.0f} to {late:.0f}")
    return wrong


def _verify(home: Path) -> tuple[bool, str]:
    """Verify the audit log as an operator does."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOOKAI_")}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.unattended.door", "audit", "verify"],
        env={**kept, "BOOKAI_HOME": str(home), "BOOKAI_METRICS_PORT": "0"},
        capture_output=True,
        text=True,
        timeout=VERIFY_S,
        check=False,
    )
    said = (done.stdout.strip() or done.stderr.strip()).splitlines()
    return done.returncode == 0, said[-1] if said else "it said nothing"
