"""One session's protocol alone: what a server may say, and what a file may do meanwhile."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from bookai.errors import Refused, TryLater
from tools.net.api import Answer, BrokeOff
from tools.uploads.resumable import UNIT_BYTES, Handle, Upload, ask_where

GOOD = b"g" * UNIT_BYTES * 3
BAD = b"x" * UNIT_BYTES + b"g" * UNIT_BYTES * 2


class Server:
    """Keeps what arrives; `breaks` is after how many bytes of the first chunk the line does.

    It may lose all it has with the `forgets`-th chunk, and takes `finishing` more questions until
    it says that it is complete.
    """

    def __init__(self, path: Path, *, breaks: int = -1, forgets: int = 0, finishing: int = 0):
        self.path, self.breaks, self.forgets, self.finishing = path, breaks, forgets, finishing
        self.got = bytearray()
        self.chunks = 0

    async def __call__(
        self, method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str]
    ) -> Answer:
        if not body:
            return self._where()
        self.chunks += 1
        at = int(headers["Content-Range"].split()[1].split("-")[0])
        assert at == len(self.got)
        if self.chunks == 1 and self.breaks >= 0:
            self.got.extend(body[: self.breaks])
            self.path.write_bytes(GOOD)  # somebody changes the file back
            raise BrokeOff("broke", after_s=0.1)
        self.got.extend(body)
        if self.chunks == self.forgets:
            self.got.clear()
        return self._where()

    def _where(self) -> Answer:
        if len(self.got) >= len(GOOD):
            self.finishing -= 1
            if self.finishing < 0:
                return Answer("peer", 200, {}, b"{}")
        stored = {"range": f"bytes=0-{len(self.got) - 1}"} if self.got else {}
        return Answer("peer", 308, stored, b"")


async def nothing(_: object) -> None:
    """Keep, tell and wait for nothing."""


def write(path: Path, data: bytes) -> None:
    """Change the file under the sender's hands."""
    path.write_bytes(data)


def upload(server: Server) -> Upload:
    handle = Handle(session="s", size=len(GOOD))
    sha256, chunk_bytes = hashlib.sha256(GOOD).hexdigest(), UNIT_BYTES
    return Upload(
        server,
        server.path,
        sha256,
        handle,
        nothing,
        nothing,
        pause=nothing,
        chunk_bytes=chunk_bytes,
    )


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "video.mp4"
    path.write_bytes(GOOD)
    return path


@pytest.mark.parametrize("breaks", [0, UNIT_BYTES // 2, UNIT_BYTES])
async def test_bytes_that_left_before_the_line_broke_are_not_completed_with_others(
    breaks: int, video: Path
) -> None:
    write(video, BAD)
    server = Server(video, breaks=breaks)

    with pytest.raises(Refused, match="changed while it was sent"):
        await upload(server).send()

    assert len(server.got) < len(GOOD)


async def test_a_server_that_lost_what_it_had_gets_the_same_bytes_again_or_none(
    video: Path,
) -> None:
    server = Server(video, forgets=2)
    assert (await upload(server).send()).status == 200
    assert bytes(server.got) == GOOD

    changed = Server(video, forgets=2)

    async def change(handle: Handle) -> None:
        if handle.begun == 2 * UNIT_BYTES:
            write(video, BAD)

    sending = upload(changed)
    sending.keep = change
    with pytest.raises(Refused, match="changed while it was sent"):
        await sending.send()

    assert (bytes(changed.got), changed.chunks) == (b"", 2)


async def test_the_same_bytes_go_on_after_the_line_broke(video: Path) -> None:
    server = Server(video, breaks=UNIT_BYTES // 2)

    assert (await upload(server).send()).status == 200

    assert bytes(server.got) == GOOD


async def test_a_server_that_has_everything_may_need_a_moment(video: Path) -> None:
    assert (await upload(Server(video, finishing=1)).send()).status == 200

    server = Server(video, finishing=9)
    slow = upload(server)
    with pytest.raises(TryLater, match="has everything and is still finishing"):
        await slow.send()

    assert slow.handle.may_be_complete
    with pytest.raises(TryLater, match="still finishing"):
        await ask_where(server, slow.handle)
