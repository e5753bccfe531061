"""The platforms' emulators, and a studio's settings that lead to them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.peers.fake_pds import HANDLE, PASSWORD, FakePds
from tests.peers.fake_youtube import REFRESH, SECRET, FakeYoutube


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
            "made_for_kids": False,
            "client_id": "client",
            "client_secret_file": secret_file(tmp_path, "client", SECRET),
            "refresh_token_file": secret_file(tmp_path, "refresh", REFRESH),
            "api_url": url,
            "token_url": f"{url}/token",
            **more,
        },
    }
