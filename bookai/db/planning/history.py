"""What a channel told already, or is about to: for choosing something else."""

from dataclasses import dataclass
from datetime import datetime

from bookai.db.pool import Con, Pool

MOST = 1000

# A job that waits in line has no record yet: its story's title is the one that its feed showed.
SELECT_TOLD = """
SELECT j.job_id, j.source, j.record -> 'trend' ->> 'url' AS url,
       j.record -> 'article' ->> 'url' AS article_url,
       coalesce(j.record -> 'trend' ->> 'title', i.title) AS title,
       j.record -> 'script' ->> 'title' AS script_title,
       i.feed
  FROM (SELECT job_id, source, record
          FROM video_jobs
         WHERE channel = $1
           AND created_at >= $2
         ORDER BY created_at DESC
         LIMIT $3) j
  LEFT JOIN LATERAL (SELECT i.title, s.url AS feed
                       FROM sources s
                       JOIN trend_items i ON i.source_id = s.source_id AND i.url = j.source
                      WHERE s.url = ANY ($4)
                      ORDER BY i.item_id
                      LIMIT 1) i ON true
 ORDER BY j.job_id DESC
"""


@dataclass(frozen=True, slots=True)
class Told:
    """One job's story; `feed` is the one that showed it, None where it is not known."""

    job_id: int
    urls: frozenset[str]
    titles: frozenset[str]
    feed: str | None


async def list_told(
    db: Pool | Con, channel: str, since: datetime, feeds: tuple[str, ...]
) -> tuple[Told, ...]:
    """Return the stories of a channel's jobs made since then, newest first, at most a thousand.

    Also of those that came to nothing: what could not be told once is not tried again at once.
    """
    rows = await db.fetch(SELECT_TOLD, channel, since, MOST, list(feeds))
    return tuple(
        Told(
            job_id=row["job_id"],
            urls=frozenset(filter(None, (row["source"], row["url"], row["article_url"]))),
            titles=frozenset(filter(None, (row["title"], row["script_title"]))),
            feed=row["feed"] or (row["source"] if row["source"] in feeds else None),
        )
        for row in rows
    )
