"""All that the database knows about one job, read as of one moment: what a proof is made of."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bookai.db import approvals
from bookai.db.pool import Con, Pool, reading
from bookai.db.seal.prove import Inclusion, prove
from bookai.errors import Refused
from bookai.models import Record, VideoJob

SELECT_JOB = """
SELECT record, channel, requested_by, status, created_at
  FROM video_jobs
 WHERE job_id = $1
"""
SELECT_RUNS = """
SELECT t.capability, t.round, t.status, e.agent, e.outcome, e.error, e.seconds, e.started_at
  FROM tasks t
  JOIN task_executions e USING (task_id)
 WHERE t.job_id = $1
 ORDER BY e.execution_id
"""
SELECT_APPROVALS = "SELECT approval_id FROM approvals WHERE job_id = $1 ORDER BY approval_id"
SELECT_POSTS = """
SELECT post_id, platform, account, title, digest, idempotency_key, state, attempt, external_id,
       url, reason, created_at, published_at
  FROM social_posts
 WHERE job_id = $1
 ORDER BY post_id
"""
SELECT_LINKS = """
SELECT p.network, p.sku, p.name, p.category, p.price_minor, p.currency, p.commission_bps,
       l.sub_id, l.url, l.created_at
  FROM affiliate_links l
  JOIN affiliate_products p USING (product_id)
 WHERE l.job_id = $1
 ORDER BY l.link_id
"""
SELECT_SEALED = """
SELECT e.id
  FROM audit_log e
  JOIN audit_leaf l ON l.event_id = e.id
 WHERE e.job_id = $1
   AND l.leaf_index < (SELECT max(tree_size) FROM audit_checkpoint)
 ORDER BY l.leaf_index
"""
COUNT_EVENTS = "SELECT count(*) FROM audit_log WHERE job_id = $1"
SELECT_PERSONAL = """
SELECT event_id, field, encode(salt, 'hex') AS salt, value
  FROM audit_personal
 WHERE event_id = ANY ($1)
 ORDER BY event_id, field
"""

Row = Mapping[str, Any]


class Dossier(Record):
    """One job's rows and its sealed events; `unsealed` counts those that came since the last seal.

    `personal` are texts beside the log that nobody has asked to erase.
    """

    job: VideoJob
    channel: str
    requested_by: str
    status: str
    created_at: datetime
    runs: tuple[dict[str, Any], ...]
    approvals: tuple[approvals.Approval, ...]
    posts: tuple[dict[str, Any], ...]
    links: tuple[dict[str, Any], ...]
    events: tuple[Inclusion, ...]
    personal: tuple[dict[str, Any], ...]
    unsealed: int


async def read(pool: Pool, job_id: int) -> Dossier:
    """Read everything about a job in one snapshot, with a proof for each of its events.

    Raises:
        Refused: there is no such job, or none of its events is sealed yet.
    """
    async with reading(pool) as con:
        row = await con.fetchrow(SELECT_JOB, job_id)
        if row is None:
            raise Refused(f"there is no job {job_id}. `bookai jobs` lists them.")
        ids = [event["id"] for event in await con.fetch(SELECT_SEALED, job_id)]
        if not ids:
            raise Refused(f"no event of job {job_id} is sealed yet: try again in a second")
        total: int = await con.fetchval(COUNT_EVENTS, job_id)
        return Dossier(
            job=VideoJob.model_validate(row["record"]),
            channel=row["channel"],
            requested_by=row["requested_by"],
            status=row["status"],
            created_at=row["created_at"],
            runs=await _rows(con, SELECT_RUNS, job_id),
            approvals=await _approvals(con, job_id),
            posts=await _rows(con, SELECT_POSTS, job_id),
            links=await _rows(con, SELECT_LINKS, job_id),
            events=await prove(con, ids),
            personal=await _rows(con, SELECT_PERSONAL, ids),
            unsealed=total - len(ids),
        )


async def _approvals(con: Con, job_id: int) -> tuple[approvals.Approval, ...]:
    found = await con.fetch(SELECT_APPROVALS, job_id)
    return tuple([await approvals.get(con, row["approval_id"]) for row in found])


async def _rows(con: Con, query: str, key: int | Sequence[int]) -> tuple[dict[str, Any], ...]:
    return tuple(dict(row) for row in await con.fetch(query, key))
