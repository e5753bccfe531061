"""A finished video's files, the post that an operator approved, and a context to publish with."""

import hashlib
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import imageio_ffmpeg
import pytest

from bookai.models import Flags, Post
from bookai.testing import Heard
from tools.base import Desk, Fetch, ToolContext

DISCLOSURE = "Ad: we may earn a commission if you buy through the link."
JOB_ID = 7


@dataclass(frozen=True)
class Made:
    """What a job has ready: three files and the post over them."""

    video: Path
    thumbnail: Path
    captions: Path
    post: Post

    def saying(self, **changes: Any) -> Post:
        return self.post.model_copy(update=changes)

    def with_offer(self, **changes: Any) -> Post:
        offer = {
            "offer_name": "Atomic wall clock",
            "offer_url": "https://example.com/clock?subid=v7p1",
            "disclosure": DISCLOSURE,
            "caption": f"{DISCLOSURE}\n\n{self.post.caption}",
            "flags": Flags(paid_promotion=True),
        }
        return self.saying(**{**offer, **changes})


@pytest.fixture(scope="session")
def sample_video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds of a real, tiny MP4."""
    path = tmp_path_factory.mktemp("sample") / "video.mp4"
    subprocess.run(
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error"),
            *("-f", "lavfi", "-i", "testsrc=s=72x128:r=10:d=2", "-pix_fmt", "yuv420p", str(path)),
        ],
        check=True,
        timeout=30,
    )
    return path.read_bytes()


@pytest.fixture
def made(tmp_path: Path, sample_video: bytes) -> Made:
    folder = tmp_path / "work" / str(JOB_ID)
    folder.mkdir(parents=True)
    files = {
        "video.mp4": sample_video,
        "thumbnail.jpg": b"\xff\xd8 a picture",
        "captions.vtt": b"WEBVTT\n\n00:00.000 --> 00:02.000\nClocks agree.\n",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    video, thumbnail, captions = (hashlib.sha256(content).hexdigest() for content in files.values())
    post = Post(
        platform="gallery",
        account="local",
        title="Clocks that agree",
        caption="Clocks agree to a billionth.\n\nSource: Wikinews: https://example.org/clocks",
        hashtags=("#Clocks", "#Seconds"),
        flags=Flags(),
        source_url="https://example.org/clocks",
        source_credit="Source: Wikinews",
        language="en",
        video_sha256=video,
        thumbnail_sha256=thumbnail,
        captions_sha256=captions,
        transcript="Clocks agree to a billionth. Nobody knows why.",
    )
    return Made(folder / "video.mp4", folder / "thumbnail.jpg", folder / "captions.vtt", post)


@pytest.fixture
def lend(tmp_path: Path) -> Callable[..., ToolContext]:
    """Make a context as the server lends it; `desk` and `config` where a test needs them."""

    def lend_one(desk: object = None, config: dict[str, Any] | None = None) -> ToolContext:
        return ToolContext(
            desk=cast(Desk, desk),
            fetch=cast(Fetch, None),
            work_dir=tmp_path / "work",
            gallery_dir=tmp_path / "gallery",
            principal="agent",
            progress=Heard(),
            config=config or {},
        )

    return lend_one
