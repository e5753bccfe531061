"""Look at the calendar."""

from dataclasses import dataclass
from datetime import datetime

from bookai.db.pool import Con, Pool

# Their slots, and the times that an operator gave to jobs without one.
SELECT_TAKEN = """
SELECT t.slot_at, j.job_id, j.status, j.source, a.state AS approval, a.approval_id,
       coalesce(j.record -> 'publication' ->> 'url', p.url) AS url,
       coalesce(j.record -> 'script' ->> 'title', j.record -> 'trend' ->> 'title') AS title
  FROM (SELECT slot_at, job_id
          FROM publish_slots
         WHERE channel = $1
         UNION ALL
        SELECT v.not_before, v.job_id
          FROM video_jobs v
         WHERE v.channel = $1
           AND v.status IN ('queued', 'running', 'waiting')
           AND v.not_before IS NOT NULL
           AND NOT EXISTS (SELECT FROM publish_slots o WHERE o.job_id = v.job_id)) t
  JOIN video_jobs j ON j.job_id = t.job_id
  LEFT JOIN approvals a ON a.approval_id = (j.record ->> 'approval_id')::bigint
  LEFT JOIN social_posts p ON p.job_id = j.job_id AND p.state = 'posted'
 WHERE t.slot_at >= $2
   AND t.slot_at <= $3
 ORDER BY t.slot_at, j.job_id
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """A slot, or a job's own time, with the job as it stands now."""

    slot_at: datetime
    job_id: int
    status: str
    source: str
    approval: str | None
    approval_id: int | None
    url: str | None
    title: str | None


async def list_taken(
    db: Pool | Con, channel: str, since: datetime, until: datetime
) -> tuple[Taken, ...]:
    """Return what a channel is to publish when, in order."""
    return tuple(Taken(**row) for row in await db.fetch(SELECT_TAKEN, channel, since, until))
