"""Resumable uploads as Google's (and PeerTube's): one session, chunks, and a server that counts.

A session can be completed once, so whoever resumes the same session never makes a second video.
Status 308 means "go on", not "look elsewhere"; its Range header says what has arrived, which after
a broken connection ends in the middle of a chunk.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from bookai.errors import BookAIError, NotYet, Refused, ToolFailed, TryLater
from bookai.models import Record
from tools.net.api import Answer

UNIT_BYTES = 256 * 1024
"""Every chunk but the last is a multiple of this."""

CHUNK_BYTES = 32 * UNIT_BYTES
MAX_FAILURES = 4
LONGEST_PAUSE_S = 20.0

_STORED = re.compile(r"bytes=0-(\d+)")
# What one server writes for "nothing": a careless reader sees two bytes in it.
_NOTHING = ("", "bytes=0--1")

Pause = Callable[[float], Awaitable[None]]


class Call(Protocol):
    """One request to the upload's server, with whatever credentials it needs."""

    async def __call__(
        self, method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str]
    ) -> Answer:
        """Ask once."""


class Handle(Record):
    """What the next attempt needs: the session, and what was handed over to it.

    `begun` is where the farthest chunk ends that was ever begun, `sha256` that of all bytes up to
    there. While `begun` is less than `size`, certainly nothing is complete.
    """

    session: str
    size: int
    begun: int = 0
    sha256: str = hashlib.sha256().hexdigest()

    @property
    def may_be_complete(self) -> bool:
        """Tell whether the last chunk was ever begun."""
        return self.begun >= self.size


@dataclass(frozen=True, slots=True)
class Where:
    """What a session's server says: more is wanted from `offset`, complete, or unknown to it."""

    kind: Literal["at", "complete", "gone"]
    offset: int = 0
    answer: Answer | None = None


class SessionGone(BookAIError):
    """The server knows nothing of the session any more."""


class Rejected(BookAIError):
    """The server answered something that this protocol does not know; `answer` says what."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.where} answered {answer.status}")
        self.answer = answer


async def ask_where(call: Call, handle: Handle) -> Where:
    """Ask the session's server how far it is.

    Raises:
        TryLater: it is busy, or has everything and is still finishing.
        Rejected: it answered something else.
        ToolFailed: its answer cannot be true.
    """
    headers = {"Content-Range": f"bytes */{handle.size}", "Content-Length": "0"}
    answer = await call("PUT", handle.session, body=b"", headers=headers)
    if answer.status in (200, 201):
        return Where("complete", handle.size, answer)
    if answer.status == 308:
        return Where("at", _wanted(answer, handle))
    if answer.status in (404, 410):
        return Where("gone")
    if _is_busy(answer):
        raise _busy(answer, 3.0)
    raise Rejected(answer)


@dataclass
class Upload:
    """One attempt to complete a session with exactly the bytes that were approved.

    `keep` stores the handle and proves that the attempt is still ours; it is asked before each
    chunk. `told` hears the fraction that has arrived.
    """

    call: Call
    path: Path
    sha256: str
    handle: Handle
    keep: Callable[[Handle], Awaitable[None]]
    told: Callable[[float], Awaitable[None]]
    pause: Pause = asyncio.sleep
    chunk_bytes: int = CHUNK_BYTES
    _read_to: int = field(default=-1, init=False)
    _digest: "hashlib._Hash" = field(default_factory=hashlib.sha256, init=False)

    async def send(self) -> Answer:
        """Send what is missing and return the server's last answer.

        Raises:
            Refused: the bytes are not those that were approved, or not those that an earlier part
                was; the last chunk was not sent.
            SessionGone, Rejected: see there.
            TryLater: it broke off too often; `handle` says whether it may be complete.
        """
        with await asyncio.to_thread(self.path.open, "rb") as file:
            failures = 0
            where = await ask_where(self.call, self.handle) if self.handle.begun else Where("at")
            while True:
                if where.kind == "gone":
                    raise SessionGone(f"the session for {self.path.name} is gone.")
                if where.answer is not None:
                    return where.answer
                found = await self._send_chunk(file, where.offset)
                is_step = isinstance(found, Where) and found.offset > where.offset
                failures = 0 if is_step or isinstance(found, Answer) else failures + 1
                if isinstance(found, Answer):
                    return found
                if failures > MAX_FAILURES:
                    raise TryLater(f"the upload of {self.path.name} stands still.", after_s=60)
                where = found if isinstance(found, Where) else await self._recover(found, failures)

    async def _send_chunk(self, file: BinaryIO, at: int) -> "Answer | Where | TryLater":
        """Send one chunk; return the last answer, how far it is, or why to look again."""
        size = self.handle.size
        chunk = await asyncio.to_thread(self._read, file, at, min(self.chunk_bytes, size - at))
        end, prefix = at + len(chunk), self._digest.hexdigest()
        if not chunk or (end >= size and prefix != self.sha256):
            raise Refused(
                f"{self.path.name} changed while it was sent: {prefix[:12]}… was read, "
                f"{self.sha256[:12]}… was approved. Its last part was not sent."
            )
        if end > self.handle.begun:
            self.handle = self.handle.model_copy(update={"begun": end, "sha256": prefix})
        await self.keep(self.handle)
        headers = {
            "Content-Range": f"bytes {at}-{end - 1}/{size}",
            "Content-Length": str(len(chunk)),
        }
        try:
            answer = await self.call("PUT", self.handle.session, body=chunk, headers=headers)
        except TryLater as error:
            return error
        if answer.status in (200, 201):
            return answer
        if answer.status == 308:
            try:
                offset = _wanted(answer, self.handle)
            except TryLater as error:
                return error
            await self.told(offset / size)
            return Where("at", offset)
        if answer.status in (404, 410):
            return Where("gone")
        if _is_busy(answer):
            return _busy(answer, 2.0)
        raise Rejected(answer)

    def _read(self, file: BinaryIO, at: int, length: int) -> bytes:
        """Return a chunk, and have the hash of everything up to its end.

        What was handed over is hashed as it is read, once: a file is read a second time only up to
        where a broken connection left off. What the server may have by now must be what is read
        again, wherever its own part ends: the handle has the hash of all that was ever handed over.

        Raises:
            Refused: it is not; nothing of the chunk was sent.
        """
        if at != self._read_to:
            self._digest = _hash(file, at)
        file.seek(at)
        chunk = file.read(length)
        again = min(self.handle.begun - at, len(chunk))
        self._digest.update(chunk[:again])
        handed = _hash(file, self.handle.begun, self._digest.copy(), at + again)
        if handed.hexdigest() != self.handle.sha256:
            raise Refused(
                f"{self.path.name} changed while it was sent. Its last part was not sent."
            )
        self._digest.update(chunk[again:])
        self._read_to = at + len(chunk)
        return chunk

    async def _recover(self, why: TryLater, failures: int) -> Where:
        """Wait as the server says, then ask how far it is.

        Raises:
            TryLater: it asks for more patience than one call has.
        """
        if why.after_s > LONGEST_PAUSE_S:
            raise why
        await self.pause(min(why.after_s, LONGEST_PAUSE_S) if failures > 1 else 0.2)
        return await ask_where(self.call, self.handle)


def prefix_sha256(path: Path, length: int) -> str:
    """Return the SHA-256 of a file's first `length` bytes, in hex."""
    with path.open("rb") as file:
        return _hash(file, length).hexdigest()


def _hash(
    file: BinaryIO, end: int, digest: "hashlib._Hash | None" = None, start: int = 0
) -> "hashlib._Hash":
    """Return `digest` after the file's bytes from `start` to `end` went into it, too."""
    digest = digest or hashlib.sha256()
    file.seek(start)
    while start < end and (block := file.read(min(end - start, 1024 * 1024))):
        digest.update(block)
        start += len(block)
    return digest


def _wanted(answer: Answer, handle: Handle) -> int:
    """Return from where the server wants more.

    Raises:
        TryLater: it has everything and is not done yet.
    """
    offset = _stored(answer, handle)
    if offset >= handle.size:
        raise TryLater(f"{answer.where} has everything and is still finishing.", after_s=15)
    return offset


def _stored(answer: Answer, handle: Handle) -> int:
    """Return how many bytes the server says it has. Strictly: a wrong offset spoils the file."""
    text = answer.headers.get("range", "").strip()
    found = _STORED.fullmatch(text)
    if found is None and text not in _NOTHING:
        raise ToolFailed(f"{answer.where} says it has {text[:60]!r}, which is no range from 0")
    offset = int(found.group(1)) + 1 if found else 0
    if offset > handle.begun:
        raise ToolFailed(
            f"{answer.where} says it has {offset} bytes; {handle.begun} were handed over"
        )
    return offset


def _is_busy(answer: Answer) -> bool:
    return answer.status in (408, 425, 429, 499) or answer.status >= 500


def _busy(answer: Answer, default_s: float) -> TryLater:
    kind = NotYet if answer.status == 429 else TryLater
    return kind(f"{answer.where} is busy ({answer.status}).", after_s=answer.retry_after(default_s))
