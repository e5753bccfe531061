"""Video jobs: the record that grows and its rows. `runs.standing` has their place in the line."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from bookai import tracing
from bookai.db import audit
from bookai.db.audit.body import clean
from bookai.db.pg.commits import after_commit
from bookai.db.pool import Con, Pool
from bookai.errors import Refused
from bookai.metrics import JOBS_ENDED
from bookai.models import VideoJob

ENDED = ("done", "refused", "failed", "cancelled")

_ROW = """
       j.job_id, j.source, j.channel, j.status, j.stage, j.percent, j.reason, j.requested_by,
       j.stage_seconds, j.created_at, j.updated_at, j.record ->> 'approval_id' AS approval_id,
       coalesce(j.record -> 'script' ->> 'title', j.record -> 'trend' ->> 'title') AS title,
       j.record -> 'publication' ->> 'url' AS url, j.not_before
"""

INSERT_JOB = """
INSERT INTO video_jobs (source, channel, requested_by, status, stage, percent, record)
VALUES ($1, $2, $3, 'queued', 'queued', 0, '{}'::jsonb)
RETURNING job_id
"""
UPDATE_RECORD = "UPDATE video_jobs SET record = $2, updated_at = now() WHERE job_id = $1"
SELECT_RECORD = "SELECT record FROM video_jobs WHERE job_id = $1"
SELECT_ROW = f"SELECT {_ROW} FROM video_jobs j WHERE j.job_id = $1"  # noqa: S608  # a constant of ours
SELECT_ROWS = f"""
SELECT {_ROW}
  FROM video_jobs j
 WHERE ($1::text IS NULL OR j.status = $1)
   AND ($2::text IS NULL OR j.channel = $2)
   AND ($3::bigint IS NULL OR j.job_id < $3)
 ORDER BY j.job_id DESC
 LIMIT $4
"""  # noqa: S608  # a constant of ours
UPDATE_STATUS = """
UPDATE video_jobs
   SET status = $2, stage = coalesce($3, stage), reason = $4, updated_at = now(),
       attempt = CASE WHEN $2 IN ('queued', 'running') THEN attempt ELSE 0 END,
       unheard = CASE WHEN $2 IN ('queued', 'running') THEN unheard ELSE 0 END
 WHERE job_id = $1
RETURNING created_at, updated_at
"""
# NO KEY: a run holds FOR KEY SHARE on its job and then waits for an approval or a post; whoever has
# locked that and asks for the job must not wait for the run in turn.
LOCK_STATUS = "SELECT status FROM video_jobs WHERE job_id = $1 FOR NO KEY UPDATE"
LOCK_SOURCE = "SELECT pg_advisory_xact_lock(hashtextextended($1, 7))"
IS_DUE = """
SELECT NOT EXISTS (SELECT FROM video_jobs
                    WHERE source = $1
                      AND (status IN ('queued', 'running', 'waiting')
                           OR created_at > now() - make_interval(secs => $2)))
"""
ADD_SECONDS = """
UPDATE video_jobs
   SET stage_seconds = stage_seconds || jsonb_build_object(
         $2::text, coalesce((stage_seconds ->> $2)::numeric, 0) + $3::numeric)
 WHERE job_id = $1
"""
SELECT_MADE = """
SELECT coalesce(record -> 'trend' ->> 'title', record -> 'script' ->> 'title') AS title,
       coalesce(record -> 'article' ->> 'url', source) AS url,
       created_at
  FROM video_jobs
 WHERE channel = $1
   AND status NOT IN ('refused', 'failed', 'cancelled')
   AND record ? 'trend'
   AND record -> 'trend' <> 'null'::jsonb
 ORDER BY job_id DESC
 LIMIT $2
"""
COUNT_BY_STATUS = "SELECT status, count(*) AS n FROM video_jobs GROUP BY status"
SELECT_UNFINISHED = """
SELECT job_id
  FROM video_jobs
 WHERE status IN ('queued', 'running')
   AND ($1::text IS NULL OR source = $1)
 ORDER BY job_id
"""
UPSERT_TREND = """
INSERT INTO trends (job_id, title, url, score, reasons, considered, chosen_at)
VALUES ($1, $2, $3, $4, $5, $6, now())
ON CONFLICT (job_id) DO UPDATE
   SET title = excluded.title, url = excluded.url, score = excluded.score,
       reasons = excluded.reasons, considered = excluded.considered, chosen_at = now()
"""
UPSERT_SCRIPT = """
INSERT INTO scripts (job_id, title, language, draft_kind, writer, lines)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (job_id) DO UPDATE
   SET title = excluded.title, language = excluded.language, draft_kind = excluded.draft_kind,
       writer = excluded.writer, lines = excluded.lines
"""
UPSERT_VIDEO = """
INSERT INTO videos (job_id, path, sha256, thumbnail_path, duration_s, width, height, fps, encoder)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (job_id) DO UPDATE
   SET path = excluded.path, sha256 = excluded.sha256, thumbnail_path = excluded.thumbnail_path,
       duration_s = excluded.duration_s, width = excluded.width, height = excluded.height,
       fps = excluded.fps, encoder = excluded.encoder
"""


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job without its record; `percent` is that of the running stage, 0 to 100."""

    job_id: int
    source: str
    channel: str
    status: str
    stage: str
    percent: int
    reason: str | None
    requested_by: str
    stage_seconds: Mapping[str, float]
    created_at: datetime
    updated_at: datetime
    approval_id: int | None
    title: str | None
    url: str | None
    not_before: datetime | None


@dataclass(frozen=True, slots=True)
class Made:
    """Something a channel already made."""

    title: str
    url: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which jobs are listed: those of a state, of a channel, with a number below `before`."""

    status: str | None = None
    channel: str | None = None
    before: int | None = None


async def create(con: Con, source: str, channel: str, requested_by: str) -> int:
    """Write a new job and its audit event in the caller's transaction; return its id."""
    job_id: int = await con.fetchval(INSERT_JOB, source, channel, requested_by)
    job = VideoJob(job_id=job_id, source=source, channel=channel, requested_by=requested_by)
    await con.execute(UPDATE_RECORD, job_id, job.model_dump(mode="json"))
    await audit.append(
        con, "job.created", requested_by, {"job_id": job_id, "source": source, "channel": channel}
    )
    if tracing.is_on():
        after_commit(con, partial(tracing.job_made, job_id))
    return job_id


async def load(pool: Pool | Con, job_id: int) -> VideoJob:
    """Return a job's record.

    Raises:
        Refused: there is no such job.
    """
    record = await pool.fetchval(SELECT_RECORD, job_id)
    if record is None:
        raise Refused(f"there is no job {job_id}. `bookai jobs` lists them.")
    return VideoJob.model_validate(record)


async def save(con: Con, job: VideoJob) -> None:
    """Write the record and the rows of what it gained, in the caller's transaction."""
    await con.execute(UPDATE_RECORD, job.job_id, job.model_dump(mode="json"))
    if job.trend:
        trend = job.trend
        reasons = list(trend.reasons)
        await con.execute(
            UPSERT_TREND, job.job_id, trend.title, trend.url, trend.score, reasons, trend.considered
        )
    if job.script:
        script = job.script
        lines = [line.model_dump(mode="json") for line in script.lines]
        await con.execute(
            UPSERT_SCRIPT,
            job.job_id,
            script.title,
            script.language,
            script.draft_kind,
            script.writer,
            lines,
        )
    if job.render:
        made = job.render
        await con.execute(
            UPSERT_VIDEO,
            job.job_id,
            made.video_path,
            made.sha256,
            made.thumbnail_path,
            made.duration_s,
            made.width,
            made.height,
            made.fps,
            made.encoder,
        )


async def set_status(
    con: Con,
    job_id: int,
    status: str,
    *,
    stage: str | None = None,
    reason: str | None = None,
    actor: str = "studio",
) -> None:
    """Change a job's status and audit it, in the caller's transaction."""
    reason = None if reason is None else clean(reason)
    row = await con.fetchrow(UPDATE_STATUS, job_id, status, stage, reason)
    body = {"job_id": job_id, "status": status, "stage": stage or "", "reason": reason or ""}
    await audit.append(con, "job.status", actor, body)
    if status in ENDED:
        JOBS_ENDED.labels(status).inc()
        if row is not None and tracing.is_on():
            whole = tracing.Past(
                "job", job_id, "whole", row["created_at"], row["updated_at"], status
            )
            after_commit(con, partial(tracing.told, whole))


async def add_seconds(con: Con, job_id: int, stage: str, seconds: float) -> None:
    """Add to the time that a stage took; stages that run twice sum up."""
    await con.execute(ADD_SECONDS, job_id, stage, round(seconds, 3))


async def get(pool: Pool | Con, job_id: int) -> JobRow:
    """Return one job's row.

    Raises:
        Refused: there is no such job.
    """
    row = await pool.fetchrow(SELECT_ROW, job_id)
    if row is None:
        raise Refused(f"there is no job {job_id}. `bookai jobs` lists them.")
    return _row(row)


async def list_rows(pool: Pool, which: Which, limit: int) -> tuple[JobRow, ...]:
    """Return jobs, newest first."""
    rows = await pool.fetch(SELECT_ROWS, which.status, which.channel, which.before, limit)
    return tuple(_row(row) for row in rows)


async def list_made(pool: Pool, channel: str, limit: int) -> tuple[Made, ...]:
    """Return what a channel made or is making, newest first."""
    rows = await pool.fetch(SELECT_MADE, channel, limit)
    return tuple(Made(row["title"] or "", row["url"], row["created_at"]) for row in rows)


async def list_unfinished(pool: Pool, source: str | None = None) -> tuple[int, ...]:
    """Return jobs that neither ended nor wait for an operator, oldest first."""
    return tuple(row["job_id"] for row in await pool.fetch(SELECT_UNFINISHED, source))


async def lock_status(con: Con, job_id: int) -> str:
    """Return a job's status and keep others from changing it until the transaction ends."""
    status: str = await con.fetchval(LOCK_STATUS, job_id)
    return status


async def is_due(con: Con, source: str, every_s: int) -> bool:
    """Tell whether a scheduled source's next job is due; two who ask at once are told in turn."""
    await con.execute(LOCK_SOURCE, source)
    due: bool = await con.fetchval(IS_DUE, source, every_s)
    return due


async def count_by_status(pool: Pool) -> dict[str, int]:
    """Return how many jobs have each status."""
    return {row["status"]: row["n"] for row in await pool.fetch(COUNT_BY_STATUS)}


def _row(row: Mapping[str, Any]) -> JobRow:
    values = dict(row)
    approval = values["approval_id"]
    values["approval_id"] = int(approval) if approval else None
    seconds = values["stage_seconds"]
    seconds = json.loads(seconds) if isinstance(seconds, str) else seconds
    values["stage_seconds"] = {name: float(value) for name, value in seconds.items()}
    return JobRow(**values)
