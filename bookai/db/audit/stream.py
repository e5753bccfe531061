"""Give events away: all that are wanted, in one snapshot, with their places in the tree."""

from collections.abc import AsyncIterator
from datetime import datetime

from bookai.db.audit.search import Wanted
from bookai.db.pool import Pool, reading
from bookai.models import Record

SELECT_WANTED = """
SELECT e.id AS event_id,
       CASE WHEN isfinite(e.at) AND e.at < '294000-01-01'
            THEN (extract(epoch FROM e.at) * 1000000)::bigint ELSE 0 END AS at_us,
       e.kind, e.actor, e.job_id, e.body, l.leaf_index
  FROM audit_log e
  LEFT JOIN audit_leaf l ON l.event_id = e.id
 WHERE ($1::text IS NULL OR e.kind = $1 OR ($1 LIKE '%.' AND starts_with(e.kind, $1)))
   AND ($2::text IS NULL OR e.actor = $2)
   AND ($3::bigint IS NULL OR e.job_id = $3)
   AND ($4::timestamptz IS NULL OR e.at >= $4)
   AND ($5::timestamptz IS NULL OR e.at < $5)
 ORDER BY e.id
"""


class Exported(Record):
    """What is hashed of an event, and its place; `leaf_index` is None while it is not sealed."""

    event_id: int
    at_us: int
    kind: str
    actor: str
    job_id: int | None
    body: str
    leaf_index: int | None


async def stream(
    pool: Pool, wanted: Wanted, since: datetime | None = None, until: datetime | None = None
) -> AsyncIterator[Exported]:
    """Yield events, oldest first; `until` itself is left out."""
    async with reading(pool) as con:
        narrow = (wanted.kind, wanted.actor, wanted.job_id, since, until)
        async for row in con.cursor(SELECT_WANTED, *narrow, prefetch=500):
            yield Exported.model_validate(dict(row))
