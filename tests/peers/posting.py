"""A post of ours, and its way to a platform up to the answer."""

from bookai.db import outbox
from bookai.db.pool import Pool
from bookai.models import Flags, Post

ME = "host:1"
POST = Post(
    platform="gallery",
    account="local",
    title="A bridge for toads",
    caption="",
    hashtags=(),
    flags=Flags(),
    source_url="https://example.org/toads",
    source_credit="Source: Wikinews",
    language="en",
    video_sha256="a" * 64,
    thumbnail_sha256="b" * 64,
    captions_sha256="c" * 64,
    transcript="Toads cross.",
)


async def begin(pool: Pool, job_id: int, post: Post, lease_s: float = 60) -> outbox.Claim:
    """Arm an approved post and begin to send it."""
    claim = await outbox.arm(pool, job_id, post)
    await outbox.mark_sending(pool, claim.post_id, claim.attempt, ME, lease_s=lease_s)
    return claim
