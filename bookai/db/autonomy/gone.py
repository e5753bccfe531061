"""What a platform took down: posts that were out and are reported gone."""

from datetime import datetime

from bookai.db.pool import Con, Pool

SELECT_GONE = """
SELECT r.post_id
  FROM post_results r
 WHERE r.channel = $1
   AND r.state = 'gone'
   AND r.gone_at > $2
 ORDER BY r.post_id DESC
 LIMIT 1
"""


async def taken_down(db: Pool | Con, channel: str, since: datetime) -> int | None:
    """Return a post of this channel that was found gone after `since`; None: all are there."""
    found: int | None = await db.fetchval(SELECT_GONE, channel, since)
    return found
