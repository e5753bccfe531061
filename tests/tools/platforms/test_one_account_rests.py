"""A platform that tells one account to wait keeps no other channel's post from going out."""

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from bookai.db import jobs, outbox
from bookai.errors import NotYet
from bookai.models import Post, Publication
from studio.engine import Inline
from studio.posts import PostDesk
from tests.peers.approving import approve
from tests.peers.fake_pds import HANDLE, FakePds
from tests.peers.fake_youtube import FakeYoutube
from tests.peers.http_peer import Reply
from tests.tools.platforms.conftest import bluesky_config, secret_file, youtube_config
from tools.publish_video import publish_video
from tools.read_stats import read_stats

OTHER = "other.test"

PublishAs = Callable[..., Awaitable[Publication]]


@pytest.fixture
def ctx(pool: asyncpg.Pool, lend: Any, tmp_path: Path, pds: FakePds, tube: FakeYoutube) -> Any:
    """Lend a studio with two accounts on one server of Bluesky, and one on YouTube."""
    pds.accounts[OTHER] = "another-pass-word"
    reference = f"file:{secret_file(tmp_path, 'other', pds.accounts[OTHER])}"
    config = youtube_config(tmp_path, tube.url) | bluesky_config(tmp_path, pds.url)
    config["accounts"] = {"bluesky": {OTHER: reference}}
    return lend(PostDesk(pool, Inline(pool)), config)


@pytest.fixture
def publish(pool: asyncpg.Pool, made: Any, ctx: Any) -> PublishAs:
    """Publish a new job as an account, approved and with files of its own."""

    async def publish_as(platform: str, account: str) -> Publication:
        async with pool.acquire() as con, con.transaction():
            job_id = await jobs.create(con, "a.md", "default", "operator:ann")
        folder = made.video.parent.parent / str(job_id)
        if folder != made.video.parent:
            shutil.copytree(made.video.parent, folder)
        kids = False if platform == "youtube" else None
        post: Post = made.saying(platform=platform, account=account, made_for_kids=kids)
        await approve(pool, job_id, post)
        files = [str(folder / one.name) for one in (made.video, made.thumbnail, made.captions)]
        return await publish_video(ctx, job_id, post, *files)

    return publish_as


async def test_of_two_channels_one_is_told_429_and_the_other_posts_in_time(
    publish: PublishAs, pds: FakePds, pool: asyncpg.Pool
) -> None:
    pds.limited[HANDLE] = Reply(429, headers={"Retry-After": "3600"})

    with pytest.raises(NotYet) as told:
        await publish("bluesky", HANDLE)
    with pytest.raises(NotYet, match=r"takes nothing from 'studio\.test' before") as waits:
        await publish("bluesky", HANDLE)
    receipt = await publish("bluesky", OTHER)

    assert receipt.platform == "bluesky"
    assert len(pds.records) == 1
    assert pds.asked == {HANDLE: 1, OTHER: 1}, "nobody asked again before it was time"
    assert told.value.after_s >= 3600
    assert 3500 <= waits.value.after_s <= 3600
    (rest,) = await outbox.list_rests(pool)
    assert (rest.platform, rest.account) == ("bluesky", HANDLE)


async def test_a_spent_quota_rests_the_account_until_it_is_given_anew(
    publish: PublishAs, tube: FakeYoutube, pool: asyncpg.Pool
) -> None:
    tube.quota = 0

    with pytest.raises(NotYet, match="quota is spent"):
        await publish("youtube", "my channel")
    tube.quota = 5

    with pytest.raises(NotYet, match="before"):
        await publish("youtube", "my channel")
    assert (await publish("bluesky", HANDLE)).platform == "bluesky"
    assert [one.platform for one in await outbox.list_rests(pool)] == ["youtube"]


async def test_a_server_that_is_merely_down_rests_nobody(
    publish: PublishAs, pds: FakePds, pool: asyncpg.Pool
) -> None:
    pds.limited[HANDLE] = Reply(503, headers={"Retry-After": "3600"})

    with pytest.raises(NotYet):  # that post's own patience
        await publish("bluesky", HANDLE)

    assert await outbox.list_rests(pool) == ()


async def test_a_platform_that_will_not_be_asked_is_not_sent_to_either(
    publish: PublishAs, pds: FakePds, ctx: Any, pool: asyncpg.Pool
) -> None:
    receipt = await publish("bluesky", HANDLE)
    pds.busy = {
        "getPosts": Reply(404),
        "repo.getRecord": Reply(429, headers={"Retry-After": "600"}),
    }

    with pytest.raises(NotYet):
        await read_stats(ctx, 1, receipt)

    (rest,) = await outbox.list_rests(pool)
    assert rest.account == HANDLE
