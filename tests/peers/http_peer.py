"""A small HTTP server on loopback for emulators of platforms: bodies, faults, and no library."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    """One request; its body is read by whoever answers, piece by piece or whole."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    reader: asyncio.StreamReader
    _read: int = 0

    @property
    def length(self) -> int:
        return int(self.headers.get("content-length", "0"))

    async def piece(self, most: int = 65_536) -> bytes:
        """Return some more of the body, nothing at its end."""
        left = min(self.length - self._read, most)
        found = await self.reader.read(left) if left else b""
        self._read += len(found)
        return found

    async def body(self) -> bytes:
        found = bytearray()
        while piece := await self.piece():
            found += piece
        return bytes(found)

    async def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self.body())
        return found


@dataclass(frozen=True)
class Reply:
    """An answer; a body that is no bytes goes out as JSON, an iterator's piece by piece."""

    status: int = 200
    body: object = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Cut(Exception):
    """Cut the connection instead of answering."""


class HttpPeer(ABC):
    """`async with Emulator() as peer: peer.url`. `log` keeps method and path of each request.

    `hung_up` is set when a client leaves in the middle of an answer that comes piece by piece.
    """

    def __init__(self) -> None:
        self.log: list[str] = []
        self.hung_up = asyncio.Event()
        self.url = ""
        self._at_work: set[asyncio.Task[None]] = set()

    @abstractmethod
    async def answer(self, request: Request) -> Reply:
        """Answer, or raise `Cut`."""

    def count(self, start: str) -> int:
        """Return how many requests began so."""
        return sum(one.startswith(start) for one in self.log)

    async def __aenter__(self) -> Any:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        if self._at_work:
            await asyncio.wait(self._at_work, timeout=5)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._at_work.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._exchange(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            self._at_work.discard(task)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        method, target, _ = first.split(" ")
        parts = urlsplit(target)
        pairs = (line.partition(":") for line in lines)
        request = Request(
            method,
            parts.path,
            {name: values[0] for name, values in parse_qs(parts.query).items()},
            {name.lower(): value.strip() for name, _, value in pairs},
            reader,
        )
        self.log.append(f"{method} {parts.path}")
        try:
            reply = await self.answer(request)
        except Cut:
            writer.transport.abort()
            return
        await request.body()
        if isinstance(reply.body, AsyncIterator):
            await self._stream(reply, reader, writer)
            return
        is_raw = isinstance(reply.body, bytes)
        body = reply.body if is_raw else json.dumps(reply.body).encode()
        assert isinstance(body, bytes)
        headers = {"Content-Length": str(len(body)), "Connection": "close", **reply.headers}
        if not is_raw:
            headers.setdefault("Content-Type", "application/json")
        told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {reply.status} X\r\n{told}\r\n".encode() + body)
        await writer.drain()

    async def _stream(
        self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        assert isinstance(reply.body, AsyncIterator)
        told = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
        writer.write(f"HTTP/1.1 {reply.status} X\r\nConnection: close\r\n{told}\r\n".encode())

        async def send(pieces: AsyncIterator[bytes]) -> None:
            try:
                async for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
            except Cut:
                writer.transport.abort()

        sending = asyncio.create_task(send(reply.body))
        leaving = asyncio.create_task(reader.read(1))
        await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not sending.done():
            self.hung_up.set()
        for task in (sending, leaving):
            task.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await task
