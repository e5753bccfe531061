"""A small web server on loopback that behaves well, badly, and maliciously."""

import asyncio
import gzip
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Page:
    """One answer, sent whole."""

    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived; header names in lower case."""

    path: str
    headers: Mapping[str, str]


def article(title: str, *paragraphs: str) -> bytes:
    """Return a small news page; the paragraphs are put in as they are."""
    body = "".join(f"<p>{one}</p>" for one in paragraphs)
    return (
        f"<!doctype html><html><head><title>{title}</title></head>"
        f"<body><nav><a href='/'>Home</a></nav><article><h1>{title}</h1>{body}</article>"
        "<footer>All rights reserved</footer></body></html>"
    ).encode()


def _redirect(to: str, status: int = 302) -> Page:
    return Page(status=status, headers={"Location": to})


PAGES: dict[str, Page] = {
    "/ok": Page(b"hello", "text/plain"),
    "/empty": Page(b"", "text/plain"),
    "/404": Page(b"no", status=404),
    "/gone": Page(b"no", status=410),
    "/login": Page(b"no", status=401),
    "/forbidden": Page(b"no", status=403),
    "/teapot": Page(b"no", status=418),
    "/500": Page(b"no", status=500),
    "/busy": Page(b"no", status=429, headers={"Retry-After": "7"}),
    "/busy-until": Page(
        b"no", status=503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
    ),
    "/busy-nonsense": Page(b"no", status=503, headers={"Retry-After": "soon"}),
    "/moved": _redirect("/ok"),
    "/to-private": _redirect("http://10.0.0.5/x"),
    "/to-metadata": _redirect("http://169.254.169.254/latest/meta-data/"),
    "/to-file": _redirect("file:///etc/passwd"),
    "/to-credentials": _redirect("http://user:secret@10.0.0.5/"),
    "/loop": _redirect("/loop"),
    "/no-location": Page(b"", status=302),
    "/told-huge": Page(b"x" * (6 * MIB), "text/plain"),
    "/gzip": Page(gzip.compress(b"unpacked"), "text/plain", headers={"Content-Encoding": "gzip"}),
    "/bomb": Page(
        gzip.compress(bytes(64 * MIB)), "text/plain", headers={"Content-Encoding": "gzip"}
    ),
    "/half-gzip": Page(
        gzip.compress(bytes(range(256)))[:60], "text/plain", headers={"Content-Encoding": "gzip"}
    ),
    "/not-gzip": Page(b"plain after all", headers={"Content-Encoding": "gzip"}),
    "/brotli": Page(b"\x0b\x02\x80hi\x03", headers={"Content-Encoding": "br"}),
    "/latin-1": Page("Zoë paid 5 €.".encode("cp1252"), "text/plain; charset=iso-8859-1"),
    "/not-xml": Page(b"this is { no feed }", "application/rss+xml"),
    "/picture": Page(b"\x89PNG\r\n\x1a\n" + bytes(200), "image/png"),
    "/nothing": Page(b"<html><body><nav><a href='/'>Home</a></nav></body></html>"),
}

Misbehaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


class WebServer:
    """`async with WebServer() as web: web.url("/ok")`; `pages` may be added to at any time."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.pages = dict(PAGES)
        self.seen: list[Seen] = []
        self.port = 0
        self._tls = tls
        self._closing = asyncio.Event()
        self._at_work: set[asyncio.Task[None]] = set()
        self._bad: dict[str, Misbehaviour] = {
            "/hang": self._hang,
            "/drip": self._drip,
            "/endless": self._endless,
            "/broken-off": self._break_off,
            "/no-http": self._speak_no_http,
        }

    def url(self, path: str) -> str:
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    async def __aenter__(self) -> "WebServer":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
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
                head = await reader.readuntil(b"\r\n\r\n")
                await self._answer(head.decode("latin-1"), writer)
        finally:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()
            self._at_work.discard(task)

    async def _answer(self, head: str, writer: asyncio.StreamWriter) -> None:
        request, *lines = head.strip().split("\r\n")
        path = request.split(" ")[1]
        pairs = (line.partition(":") for line in lines)
        self.seen.append(Seen(path, {name.lower(): value.strip() for name, _, value in pairs}))
        bare = path.partition("?")[0]
        if bare in self._bad:
            await self._bad[bare](writer)
            return
        page = self.pages.get(bare, PAGES["/404"])
        headers = {"Content-Type": page.content_type, "Content-Length": str(len(page.body))}
        headers |= {"Connection": "close", "Set-Cookie": "who=me", **page.headers}
        writer.write(f"HTTP/1.1 {page.status} X\r\n".encode())
        writer.write("".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode())
        writer.write(b"\r\n" + page.body)
        await writer.drain()

    async def _hang(self, writer: asyncio.StreamWriter) -> None:
        await self._closing.wait()

    async def _drip(self, writer: asyncio.StreamWriter) -> None:
        """Send a byte every 20 ms: no single read ever times out."""
        writer.write(b"HTTP/1.1 200 X\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n")
        while not self._closing.is_set():
            writer.write(b"a")
            await writer.drain()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), 0.02)

    async def _endless(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n")
        while not self._closing.is_set():
            writer.write(b"a" * 65_536)
            await writer.drain()

    async def _break_off(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nonly this")
        await writer.drain()

    async def _speak_no_http(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 smtp.example ready\r\n")
        await writer.drain()
