"""A studio that is restored from a backup sends nothing that the first one may have sent since."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from bookai.db import control, jobs, outbox
from bookai.db.keeping import restored
from bookai.db.pool import open_pool
from bookai.errors import OperatorNeeded
from bookai.models import Post, Publication
from studio.engine import Inline
from tests.peers.approving import approve
from tests.peers.fake_pds import HANDLE, FakePds
from tests.peers.fake_youtube import FakeYoutube
from tests.peers.tickets import Lease
from tests.tools.platforms.conftest import bluesky_config, youtube_config
from tests.tools.test_publish_outcomes import ApprovedDesk
from tools.base import ToolContext
from tools.platforms.base import Files, Ticket, platforms
from tools.publish_video import publish_video

BY = "operator:ann"


class Studio:
    """A post that was armed and not sent when the backup was made."""

    def __init__(self, pool: asyncpg.Pool, made: Any, ctx: ToolContext, post: Post) -> None:
        self.pool, self.made, self.ctx, self.post = pool, made, ctx, post

    async def begin(self) -> outbox.Claim:
        async with self.pool.acquire() as con, con.transaction():
            for _ in range(7):
                await jobs.create(con, "a.md", "default", BY)
        await approve(self.pool, 7, self.post)
        return await outbox.arm(self.pool, 7, self.post)

    async def first_goes_on(self, claim: outbox.Claim) -> str:
        """Let the studio that was copied send it, of which this database hears nothing."""
        made = self.made
        files = Files(video=made.video, thumbnail=made.thumbnail, captions=made.captions)
        ticket = Ticket(claim.key, claim.armed_at, None, Lease().hold)
        sent = await platforms()[self.post.platform].send(self.post, files, ticket, self.ctx)
        return sent.external_id

    async def restore(self, owner: str) -> None:
        """Take this database for one that was restored, and resume it at once."""
        copy = restored.Copy(datetime.now(UTC), "there", "0" * 64, "/old", "/old")
        async with open_pool(owner, size=1) as pool, pool.acquire() as con, con.transaction():
            await restored.doubt(con, copy, BY)
            await control.resume(con, control.EVERYTHING, "the first has ended", BY, "job-")

    async def publish(self) -> Publication:
        made = self.made
        paths = (str(made.video), str(made.thumbnail), str(made.captions))
        return await publish_video(self.ctx, 7, self.post, *paths)


async def test_youtube_is_asked_for_what_was_sent_after_the_backup(
    made: Any, lend: Any, pool: asyncpg.Pool, admin_dsn: str, tube: FakeYoutube, tmp_path: Path
) -> None:
    post = made.saying(platform="youtube", account="my channel", made_for_kids=False)
    config = youtube_config(tmp_path, tube.url)
    studio = Studio(pool, made, lend(ApprovedDesk(pool, Inline(pool)), config=config), post)
    sent = await studio.first_goes_on(await studio.begin())
    await studio.restore(admin_dsn)

    receipt = await studio.publish()

    assert receipt.external_id == sent
    assert len(tube.sessions) == len(tube.videos) == 1


async def test_what_youtube_does_not_show_is_sent_on_an_operators_word_alone(
    made: Any, lend: Any, pool: asyncpg.Pool, admin_dsn: str, tube: FakeYoutube, tmp_path: Path
) -> None:
    post = made.saying(platform="youtube", account="my channel", made_for_kids=False)
    config = youtube_config(tmp_path, tube.url)
    studio = Studio(pool, made, lend(ApprovedDesk(pool, Inline(pool)), config=config), post)
    claim = await studio.begin()
    await studio.restore(admin_dsn)

    for _ in range(2):
        with pytest.raises(OperatorNeeded, match="restored from a backup"):
            await studio.publish()
    asked = len(tube.sessions)
    await outbox.resolve_not_posted(pool, claim.post_id, BY, "it is not there")
    receipt = await studio.publish()

    assert asked == 0
    assert list(tube.videos) == [receipt.external_id]


async def test_bluesky_is_asked_under_the_key_that_both_have(
    made: Any, lend: Any, pool: asyncpg.Pool, admin_dsn: str, pds: FakePds, tmp_path: Path
) -> None:
    post = made.saying(platform="bluesky", account=HANDLE)
    config = bluesky_config(tmp_path, pds.url)
    studio = Studio(pool, made, lend(ApprovedDesk(pool, Inline(pool)), config=config), post)
    sent = await studio.first_goes_on(await studio.begin())
    written = pds.count("POST")
    await studio.restore(admin_dsn)

    receipt = await studio.publish()

    assert receipt.external_id == sent
    assert pds.count("POST") == written + 1  # it logged in, and wrote nothing
