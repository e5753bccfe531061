"""The platforms' emulators, and a studio's settings that lead to them."""

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bookai.models import Post
from tests.peers.fake_pds import HANDLE, PASSWORD, FakePds
from tests.peers.fake_youtube import REFRESH, SECRET, UNIT, FakeYoutube
from tests.peers.tickets import Lease, ticket
from tools.base import ToolContext
from tools.platforms.base import Files, Sent
from tools.platforms.youtube import Youtube

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
SIZE = 3 * UNIT + 1000


def secret_file(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(f"{text}\n")
    path.chmod(0o600)
    return str(path)


@pytest.fixture
async def pds() -> AsyncIterator[FakePds]:
    async with FakePds() as server:
        yield server


@pytest.fixture
async def tube() -> AsyncIterator[FakeYoutube]:
    async with FakeYoutube() as server:
        yield server


def bluesky_config(
    tmp_path: Path, service: str, handle: str = HANDLE, **more: Any
) -> dict[str, Any]:
    password = more.pop("password", PASSWORD)
    return {
        "allow_private": ("127.0.0.1",),
        "bluesky": {
            "handle": handle,
            "password_file": secret_file(tmp_path, "bluesky", password),
            "service": service,
            "appview_url": service,
            **more,
        },
    }


def youtube_config(tmp_path: Path, url: str, **more: Any) -> dict[str, Any]:
    return {
        "allow_private": ("127.0.0.1",),
        "youtube": {
            "account": "my channel",
            "client_id": "client",
            "client_secret_file": secret_file(tmp_path, "client", SECRET),
            "refresh_token_file": secret_file(tmp_path, "refresh", REFRESH),
            "api_url": url,
            "token_url": f"{url}/token",
            **more,
        },
    }


class Pauses:
    """Waits for nothing and remembers how long it would have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def youtube(pauses: Pauses) -> Youtube:
    return Youtube(lambda: NOW, pauses, UNIT)


@pytest.fixture
def ctx(tube: FakeYoutube, lend: Any, tmp_path: Path) -> ToolContext:
    found: ToolContext = lend(config=youtube_config(tmp_path, tube.url))
    return found


@pytest.fixture
def post(made: Any) -> Post:
    """A post whose video has four chunks; what is in them matters to nobody."""
    made.video.write_bytes(bytes(range(250)) * (SIZE // 250) + b"x" * (SIZE % 250))
    found: Post = made.with_offer(
        platform="youtube",
        account="my channel",
        made_for_kids=False,
        video_sha256=hashlib.sha256(made.video.read_bytes()).hexdigest(),
    )
    return found


@pytest.fixture
def send(made: Any, ctx: ToolContext, post: Post, youtube: Youtube) -> Any:
    async def send_it(lease: Lease) -> Sent:
        files = Files(video=made.video, thumbnail=made.thumbnail, captions=made.captions)
        return await youtube.send(post, files, ticket("k1", lease), ctx)

    return send_it


@pytest.fixture
def find(ctx: ToolContext, post: Post, youtube: Youtube) -> Any:
    async def find_it(lease: Lease) -> Sent | None:
        return await youtube.find(post, ticket("k1", lease), ctx)

    return find_it
