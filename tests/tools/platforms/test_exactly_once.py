"""Whatever platform it is: a crash at any point, and a retry, make exactly one post."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from bookai.models import Post, Publication
from tests.peers.crashing import Wanted, crash_everywhere
from tests.peers.fake_pds import HANDLE, FakePds
from tests.peers.fake_youtube import UNIT, FakeYoutube
from tests.tools.platforms.conftest import bluesky_config, youtube_config
from tools import publish_video as module
from tools.platforms.base import platforms
from tools.platforms.youtube import Youtube
from tools.platforms.youtube import _utc_now as utc_now
from tools.site import store

LEAST_POINTS = 10


def each_is_out_once(receipts: list[Publication], out: list[str]) -> None:
    """There are as many posts out there as jobs, and each receipt names one of them."""
    assert len(receipts) >= LEAST_POINTS
    assert sorted(one.external_id for one in receipts) == sorted(out)
    assert len(set(out)) == len(out)


def wanting(made: Any, lend: Callable[..., Any], config: dict[str, Any], **post: Any) -> Wanted:
    asked: Post = made.saying(**post)
    return Wanted(asked, made.video.parent, lend(config=config))


async def test_on_the_gallery(made: Any, lend: Any, pool: asyncpg.Pool) -> None:
    wanted = wanting(made, lend, {})

    receipts = await crash_everywhere(pool, wanted)

    each_is_out_once(receipts, [entry.folder for entry in store.entries(wanted.ctx.gallery_dir)])


async def test_on_bluesky(
    made: Any, lend: Any, pool: asyncpg.Pool, pds: FakePds, tmp_path: Path
) -> None:
    config = bluesky_config(tmp_path, pds.url)
    wanted = wanting(made, lend, config, platform="bluesky", account=HANDLE)

    receipts = await crash_everywhere(pool, wanted)

    each_is_out_once(
        receipts, [f"at://did:plc:studio/app.bsky.feed.post/{rkey}" for rkey in pds.records]
    )


@pytest.mark.parametrize("loses_answers", [False, True])
async def test_on_youtube(
    loses_answers: bool,
    made: Any,
    lend: Any,
    pool: asyncpg.Pool,
    tube: FakeYoutube,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Four chunks, so that there is a middle to die in.
    made.video.write_bytes(made.video.read_bytes() + bytes(3 * UNIT))
    sha256 = hashlib.sha256(made.video.read_bytes()).hexdigest()
    tube.quota = 1000
    tube.lose_answer = loses_answers
    small = {**platforms(), "youtube": Youtube(utc_now, chunk_bytes=UNIT)}
    monkeypatch.setattr(module, "platforms", lambda: small)
    config = youtube_config(tmp_path, tube.url)
    target = {"platform": "youtube", "account": "my channel", "made_for_kids": False}
    wanted = wanting(made, lend, config, **target, video_sha256=sha256)

    receipts = await crash_everywhere(pool, wanted)

    each_is_out_once(receipts, list(tube.videos))
    assert {video["sha256"] for video in tube.videos.values()} == {sha256}
