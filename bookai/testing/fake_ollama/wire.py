"""HTTP/1.1 for one connection, with what a fault needs: abort, trickle, and who has left."""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 64 * 1024 * 1024
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 502: "Bad Gateway"}

Answer = Callable[["Exchange"], Awaitable[None]]


class ClientLeft(Exception):
    """The client closed its connection; the server noticed at the next token."""


class Exchange:
    """One request and the reply to it."""

    def __init__(self, connection: "Connection", head: list[str], body: bytes) -> None:
        self.method, self.path = [*head[0].split(" "), "", ""][:2]
        self.headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        self.body = body
        self.left = False
        self._started = False
        self._connection = connection
        self._unheard = False
        self._task: asyncio.Task[None] | None = None

    async def reply(self, status: int, body: object, kind: str = "application/json") -> None:
        """Send a whole reply; a `body` that isn't text is sent as JSON."""
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        head = _head(status, kind, f"content-length: {len(data)}")
        await self._connection.send(head if self.method == "HEAD" else head + data)

    async def stream(self, data: bytes) -> None:
        """Send one piece of a reply whose length nobody knows yet."""
        if not self._started:
            self._started = True
            head = _head(200, "application/x-ndjson", "transfer-encoding: chunked")
            await self._connection.send(head)
        await self._connection.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def end_stream(self) -> None:
        """Send what says that the stream is whole."""
        await self._connection.send(b"0\r\n\r\n")

    def abort(self) -> None:
        """Reset the connection."""
        self._connection.abort()

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """Let a client that leaves be seen only by `notice`, as while a token is computed."""
        self._unheard = True
        try:
            yield
        finally:
            self._unheard = False

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Inside `unheard`: stop at once when the client leaves."""
        self.notice()
        self._unheard = False
        try:
            yield
        finally:
            self._unheard = True

    def notice(self) -> None:
        """Raise `ClientLeft` when the client has."""
        if self.left:
            raise ClientLeft

    def begin(self, task: asyncio.Task[None]) -> None:
        """Name the task that answers."""
        self._task = task

    def stop(self) -> None:
        """Stop the answer, whatever it does."""
        if self._task:
            self._task.cancel()

    def leave(self) -> None:
        """Note that the client has left, and stop the answer unless it is `unheard`."""
        self.left = True
        if not self._unheard:
            self.stop()


class Connection(asyncio.Protocol):
    """One client's connection, kept alive between requests; pipelined ones wait their turn."""

    def __init__(
        self, answer: Answer, group: asyncio.TaskGroup, connections: set["Connection"]
    ) -> None:
        self._answer = answer
        self._group = group
        self._connections = connections
        self._buffer = bytearray()
        self._exchange: Exchange | None = None
        self._transport: asyncio.Transport | None = None
        self.gone = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Collect what came and answer when a request is whole."""
        self._buffer += data
        self._next()

    def pause_writing(self) -> None:
        """Let `send` wait: the client reads slower than we write."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let `send` go on."""
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the answer that nobody reads it."""
        self._transport = None
        self._connections.discard(self)
        self.gone.set()
        self._writable.set()
        if self._exchange:
            self._exchange.leave()

    async def send(self, data: bytes) -> None:
        """Write, and wait while the client doesn't read. What a client that left misses is lost."""
        if self._transport:
            self._transport.write(data)
            await self._writable.wait()

    def abort(self) -> None:
        """Reset the connection."""
        if self._transport:
            raw = self._transport.get_extra_info("socket")
            # Without lingering, closing is a reset instead of a polite end.
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()

    def drop(self) -> None:
        """Reset the connection and stop the answer at once: the server ends."""
        self.abort()
        if self._exchange:
            self._exchange.stop()

    def _next(self) -> None:
        if self._exchange or not (found := self._take()):
            return
        self._exchange = found
        found.begin(self._group.create_task(self._serve(found)))

    async def _serve(self, exchange: Exchange) -> None:
        try:
            await self._answer(exchange)
        except ClientLeft:
            self.abort()
        except asyncio.CancelledError:
            self.abort()
            raise
        finally:
            self._exchange = None
        if self._transport and not self._transport.is_closing():
            self._next()

    def _take(self) -> Exchange | None:
        """Return the first whole request in the buffer."""
        head, mark, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        if not mark:
            if len(head) > MAX_HEAD_BYTES:
                self.abort()
            return None
        lines = head.decode("latin-1").split("\r\n")
        length = _length(lines)
        if length is None or length > MAX_BODY_BYTES:
            self.abort()
            return None
        if len(rest) < length:
            return None
        self._buffer = bytearray(rest[length:])
        return Exchange(self, lines, rest[:length])


def _length(lines: list[str]) -> int | None:
    """Return the body's length in bytes; None when it isn't said as a number."""
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "transfer-encoding":
            return None
        if name.lower() == "content-length":
            return int(value) if value.strip().isdigit() else None
    return 0


def _head(status: int, kind: str, length: str) -> bytes:
    reason = _REASONS.get(status, "Error")
    return f"HTTP/1.1 {status} {reason}\r\ncontent-type: {kind}\r\n{length}\r\n\r\n".encode()
