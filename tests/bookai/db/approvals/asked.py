"""What tests of approvals share: a post, people, and asking about it."""

from datetime import UTC, datetime, timedelta

import asyncpg

from bookai.db import approvals, audit
from bookai.db.approvals import ANYONE, Rules
from bookai.models import Flags, Post

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
TTL = timedelta(hours=72)
ANN, BOB = "operator:ann", "operator:bob"
POST = Post(
    platform="gallery",
    account="local",
    title="A bridge for toads 🐸",
    caption="Källa: Wikinews",
    hashtags=("#nature",),
    flags=Flags(),
    source_url="https://example.org/toads",
    source_credit="Source: Wikinews",
    language="en",
    video_sha256="a" * 64,
    thumbnail_sha256="b" * 64,
    captions_sha256="c" * 64,
    transcript="Toads cross.",
)
OTHER = POST.model_copy(update={"caption": "Another caption"})


async def ask(
    pool: asyncpg.Pool,
    job_id: int,
    post: Post = POST,
    now: datetime = NOW,
    ttl: timedelta = TTL,
    rules: Rules = ANYONE,
) -> int:
    async with pool.acquire() as con, con.transaction():
        return await approvals.request(con, job_id, post, "/videos/1/video.mp4", now, ttl, rules)


async def kinds(pool: asyncpg.Pool) -> list[str]:
    return [event.kind for event in reversed(await audit.search(pool))]


async def states(pool: asyncpg.Pool) -> dict[int, str]:
    return {row.approval_id: row.state for row in await approvals.list_(pool)}
