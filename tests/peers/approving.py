"""An operator's yes in one line, by the studio's own way: nothing is sent without one."""

from datetime import UTC, datetime, timedelta

import asyncpg

from bookai.db import approvals
from bookai.models import Post


async def approve(
    pool: asyncpg.Pool, job_id: int, post: Post, ttl: timedelta = timedelta(hours=1)
) -> int:
    """Ask for an approval of `post` and give it; return its id."""
    now = datetime.now(UTC)
    async with pool.acquire() as con, con.transaction():
        approval_id = await approvals.request(con, job_id, post, "video.mp4", now, ttl)
    await approvals.decide(pool, approval_id, True, "", "operator:ann", now)
    return approval_id
