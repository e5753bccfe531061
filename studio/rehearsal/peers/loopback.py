"""A small HTTP server on loopback: one request a connection, and faults where a peer wants them."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

LARGEST_BYTES = 64 * 2**20
LONGEST_S = 30.0
CLOSE_S = 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, with its whole body; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back; without a `status` the line is cut, as if the peer had died meanwhile."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, **said: object) -> Self:
        """Return an answer in JSON."""
        return cls(status, json.dumps(said).encode())


CUT = Answer(status=0)


class Peer(ABC):
    """What stands outside. `address` is its host and port while it is open."""

    address: str = ""

    @abstractmethod
    def answer(self, asked: Asked) -> Answer:
        """Return what it says."""

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{self.address}"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        """Listen on loopback while the block runs."""
        busy: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                busy.add(task)
                task.add_done_callback(busy.discard)
            await self._serve(reader, writer)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()[:2]
        self.address = f"{host}:{port}"
        try:
            yield self
        finally:
            server.close()
            if busy:
                await asyncio.wait(busy, timeout=CLOSE_S)
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(TimeoutError, ConnectionError, asyncio.IncompleteReadError):
                async with asyncio.timeout(LONGEST_S):
                    answer = self.answer(await _read(reader))
                    if answer.status:
                        await _write(writer, answer)
                    else:
                        writer.transport.abort()
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip()
    first, *lines = head.split("\r\n")
    method, path, _version = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    length = min(int(headers.get("content-length", "0")), LARGEST_BYTES)
    return Asked(method, path, headers, await reader.readexactly(length))


async def _write(writer: asyncio.StreamWriter, answer: Answer) -> None:
    headers = {
        "Content-Type": answer.kind,
        "Content-Length": str(len(answer.body)),
        "Connection": "close",
        **answer.headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {answer.status} -\r\n{lines}\r\n".encode() + answer.body)
    await writer.drain()
