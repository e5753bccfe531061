"""Look at the outbox."""

from bookai.db.outbox.rows import COLUMNS, OutboxRow, State, row_of
from bookai.db.pool import Con, Pool
from bookai.errors import Refused

SELECT_ONE = f"SELECT {COLUMNS} FROM social_posts p WHERE p.post_id = $1"  # noqa: S608  # a constant of ours
SELECT_LIST = f"""
SELECT {COLUMNS}
  FROM social_posts p
 WHERE ($1::text IS NULL OR p.state = $1)
   AND ($3::bigint IS NULL OR p.post_id < $3)
 ORDER BY p.post_id DESC
 LIMIT $2
"""  # noqa: S608  # as above
IS_BEGUN = """
SELECT EXISTS (SELECT FROM social_posts
                WHERE job_id = $1
                  AND digest = $2
                  AND state IN ('sending', 'unknown', 'posted'))
"""
COUNT_POSTED = "SELECT count(*) FROM social_posts WHERE state = 'posted'"


async def get(db: Pool | Con, post_id: int) -> OutboxRow:
    """Return one post.

    Raises:
        Refused: there is no such post.
    """
    row = await db.fetchrow(SELECT_ONE, post_id)
    if row is None:
        raise Refused(f"there is no post {post_id}. To list them: bookai outbox list")
    return row_of(row)


async def list_(
    db: Pool | Con, state: State | None = None, limit: int = 50, before: int | None = None
) -> tuple[OutboxRow, ...]:
    """Return posts, newest first, of numbers below `before`."""
    return tuple(row_of(row) for row in await db.fetch(SELECT_LIST, state, limit, before))


async def is_begun(db: Pool | Con, job_id: int, digest: str) -> bool:
    """Tell whether this very post was on its way, or is out."""
    begun: bool = await db.fetchval(IS_BEGUN, job_id, digest)
    return begun


async def count_posted(db: Pool | Con) -> int:
    """Return how many posts are out."""
    posted: int = await db.fetchval(COUNT_POSTED)
    return posted
