"""The same promises against servers that others wrote: Bluesky's own, and one for uploads."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from bookai.models import Post
from tests.peers import real
from tests.peers.crashing import Wanted, crash_everywhere
from tests.peers.fake_youtube import UNIT, FakeYoutube
from tests.peers.http_peer import HttpPeer, Reply, Request
from tests.peers.tickets import Lease, ticket
from tests.tools.platforms.conftest import bluesky_config, youtube_config
from tests.tools.platforms.test_exactly_once import each_is_out_once
from tools import publish_video as module
from tools.platforms.base import Files, platforms
from tools.platforms.bluesky import PLATFORM as BLUESKY
from tools.platforms.youtube import Youtube
from tools.platforms.youtube import _utc_now as utc_now

pytestmark = [pytest.mark.peer, pytest.mark.timeout(300)]


@pytest.fixture
async def pds(tmp_path: Path) -> AsyncIterator[real.RealPds]:
    async with real.open_pds(tmp_path / "pds") as server:
        yield server


@pytest.fixture
async def uploads(tmp_path: Path) -> AsyncIterator[real.RealUploads]:
    (tmp_path / "uploads").mkdir()
    async with real.open_uploads(tmp_path / "uploads") as server:
        yield server


def files_of(made: Any) -> Files:
    return Files(video=made.video, thumbnail=made.thumbnail, captions=made.captions)


async def test_the_real_bluesky_server_takes_our_post_with_its_exact_bytes(
    made: Any, lend: Callable[..., Any], pds: real.RealPds, tmp_path: Path
) -> None:
    config = bluesky_config(tmp_path, pds.url, real.HANDLE, password=real.PASSWORD)
    ctx = lend(config=config)
    post: Post = made.with_offer(platform="bluesky", account=real.HANDLE)
    lease = Lease()

    sent = await BLUESKY.send(post, files_of(made), ticket("k1", lease), ctx)
    again = await BLUESKY.send(post, files_of(made), ticket("k1"), ctx)

    assert sent == again == await BLUESKY.find(post, ticket("k1", lease), ctx)
    (record,) = await pds.records()
    assert record["uri"] == sent.external_id
    video = record["value"]["embed"]["video"]["ref"]["$link"]
    assert await pds.blob(video) == made.video.read_bytes()
    assert await BLUESKY.find(post, ticket("k2"), ctx) is None


async def test_a_crash_anywhere_makes_one_post_on_the_real_bluesky_server(
    made: Any, lend: Callable[..., Any], pool: asyncpg.Pool, pds: real.RealPds, tmp_path: Path
) -> None:
    config = bluesky_config(tmp_path, pds.url, real.HANDLE, password=real.PASSWORD)
    post: Post = made.saying(platform="bluesky", account=real.HANDLE)

    receipts = await crash_everywhere(pool, Wanted(post, made.video.parent, lend(config=config)))

    each_is_out_once(receipts, [record["uri"] for record in await pds.records()])


class TokensBefore(HttpPeer):
    """Google's token server in front of an upload server that knows of none."""

    async def answer(self, request: Request) -> Reply:
        await request.body()
        return Reply(body={"access_token": "t", "expires_in": 3599})


@pytest.fixture
async def tokens() -> AsyncIterator[TokensBefore]:
    async with TokensBefore() as server:
        yield server


@pytest.fixture
def big(made: Any) -> Post:
    """A post whose video has five chunks."""
    made.video.write_bytes(made.video.read_bytes() + bytes(range(256)) * (4 * UNIT // 256))
    sha256 = hashlib.sha256(made.video.read_bytes()).hexdigest()
    target = {"platform": "youtube", "account": "my channel", "made_for_kids": False}
    post: Post = made.saying(**target, video_sha256=sha256)
    return post


async def test_a_real_upload_server_gets_the_exact_bytes_through_a_broken_connection(
    made: Any,
    big: Post,
    lend: Callable[..., Any],
    uploads: real.RealUploads,
    tokens: TokensBefore,
    tmp_path: Path,
) -> None:
    config = youtube_config(tmp_path, uploads.url, token_url=f"{tokens.url}/token")
    await uploads.order(breakOff=2)

    sent = await Youtube(utc_now, chunk_bytes=UNIT).send(
        big, files_of(made), ticket(), lend(config=config)
    )

    (video,) = await uploads.complete()
    assert video["id"] == sent.external_id
    stored = [path.read_bytes() for path in (tmp_path / "uploads").rglob("*") if path.is_file()]
    assert made.video.read_bytes() in stored


async def test_a_crash_anywhere_makes_one_video_on_a_real_upload_server(
    made: Any,
    big: Post,
    lend: Callable[..., Any],
    pool: asyncpg.Pool,
    uploads: real.RealUploads,
    tokens: TokensBefore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small = {**platforms(), "youtube": Youtube(utc_now, chunk_bytes=UNIT)}
    monkeypatch.setattr(module, "platforms", lambda: small)
    config = youtube_config(tmp_path, uploads.url, token_url=f"{tokens.url}/token")
    await uploads.order(loseAnswer=True)

    receipts = await crash_everywhere(pool, Wanted(big, made.video.parent, lend(config=config)))

    each_is_out_once(receipts, [video["id"] for video in await uploads.complete()])


@pytest.mark.parametrize("kind", ["real", "fake"])
async def test_our_emulator_says_what_the_real_server_says(
    kind: str, uploads: real.RealUploads, tube: FakeYoutube, tokens: TokensBefore
) -> None:
    base = uploads.url if kind == "real" else tube.url
    tube.tokens.add("t")
    size = 2 * UNIT
    told = {"X-Upload-Content-Length": str(size), "X-Upload-Content-Type": "video/mp4"}
    resource = {"snippet": {"title": "t"}, "status": {"selfDeclaredMadeForKids": False}}
    async with httpx.AsyncClient(
        trust_env=False, headers={"Authorization": "Bearer t"}, timeout=20
    ) as client:
        opened = await client.post(
            f"{base}/upload/youtube/v3/videos?uploadType=resumable",
            content=json.dumps(resource),
            headers={**told, "Content-Type": "application/json"},
        )
        session = opened.headers["location"]
        asked = await client.put(session, headers={"Content-Range": f"bytes */{size}"})
        half = await client.put(
            session,
            content=bytes(UNIT),
            headers={"Content-Range": f"bytes 0-{UNIT - 1}/{size}"},
        )
        whole = await client.put(
            session,
            content=bytes(UNIT),
            headers={"Content-Range": f"bytes {UNIT}-{size - 1}/{size}"},
        )
        again = await client.put(session, headers={"Content-Range": f"bytes */{size}"})

    assert (opened.status_code, asked.status_code, half.status_code) == (200, 308, 308)
    assert asked.headers.get("range", "") in ("", "bytes=0--1")
    assert half.headers["range"] == f"bytes=0-{UNIT - 1}"
    assert (whole.status_code, again.status_code) == (200, 200)
    assert whole.json()["id"] == again.json()["id"]
