"""The server's two process doors: HTTP on a loopback address, and stdio."""

import asyncio
import ipaddress
import logging
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import TextIOBase
from typing import Any, Protocol, TextIO

import uvicorn
from mcp.server.mcpserver import MCPServer
from starlette.types import ASGIApp, Receive, Scope, Send

from bookai.errors import OperatorNeeded

logger = logging.getLogger(__name__)

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8931
PATH = "/mcp"
ENDING = "bookai.ending"
"""In the scope of each request: an event that is set when the server is about to stop."""

_LAST_REQUESTS_S = 5
_WAITING = 128


class Servable(Protocol):
    """What can be offered over HTTP."""

    def http_app(self) -> ASGIApp:
        """Return the ASGI app."""


async def serve_http(
    server: Servable,
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    stop: asyncio.Event | None = None,
    on_ready: Callable[[str], None] | None = None,
    loopback_only: bool = True,
) -> None:
    """Serve until `stop` is set or this is cancelled; running requests get 5 s to end.

    Port 0 takes any free one; `on_ready` is told the URL once the address is ours. What is offered
    to other machines (`loopback_only=False`) has a door of its own.

    Raises:
        OperatorNeeded: the address is not a loopback address, or is taken.
    """
    ending = asyncio.Event()
    app = _told(server.http_app(), ending)
    with _listen(host, port, loopback_only) as listener:
        name = f"[{host}]" if ":" in host else host
        url = f"http://{name}:{listener.getsockname()[1]}{PATH}"
        logger.info("MCP over HTTP at %s", url, extra={"action": "mcp_listening"})
        if on_ready:
            on_ready(url)
        uvicorn_server = _Server(app, stop, ending)
        # Cancelled half-way, uvicorn would leave its sockets and its lifespan task behind.
        serving = asyncio.create_task(uvicorn_server.serve(sockets=[listener]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            ending.set()
            uvicorn_server.should_exit = True
            await serving
            raise


async def serve_stdio(server: MCPServer[Any]) -> None:
    """Serve one client over standard input and output until it closes them.

    What anybody prints meanwhile goes to standard error. The SDK diverts the descriptor alone: what
    Python still held back would come out among the protocol's lines in the end.
    """
    with redirect_stdout(_Beside(sys.stdout, sys.stderr)):
        await server.run_stdio_async()


class _Beside(TextIOBase):
    """Standard output as others see it; the protocol has the real one's `buffer`."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._err = err
        self.buffer = out.buffer

    def write(self, text: str, /) -> int:
        return self._err.write(text)

    def flush(self) -> None:
        self._err.flush()


class _Server(uvicorn.Server):
    """A server that leaves signals to the process it is a part of, and heeds an event."""

    def __init__(self, app: ASGIApp, stop: asyncio.Event | None, ending: asyncio.Event) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="on",
                timeout_graceful_shutdown=_LAST_REQUESTS_S,
            )
        )
        self._stop = stop
        self._ending = ending

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def on_tick(self, counter: int) -> bool:
        if self._stop is not None and self._stop.is_set():
            self._ending.set()
            return True
        return await super().on_tick(counter)


def _told(app: ASGIApp, ending: asyncio.Event) -> ASGIApp:
    """Return `app` with word of the end in every request, so that long answers end in order."""

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        scope[ENDING] = ending
        await app(scope, receive, send)

    return told


def _listen(host: str, port: int, loopback_only: bool) -> socket.socket:
    try:
        is_ours = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_ours = False
    if loopback_only and not is_ours:
        raise OperatorNeeded(
            f"The MCP server listens on loopback addresses only, not on {host!r}.",
            mend=f"Use {DEFAULT_HOST} and come over SSH: ssh -L {port}:{DEFAULT_HOST}:{port} HOST",
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio turns Nagle's algorithm off only where it is: without,
    # every answer on a kept connection waits 40 ms for the other side's acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_WAITING)
    except OSError as error:
        listener.close()
        raise OperatorNeeded(
            f"Port {port} on {host} cannot be used ({error.strerror}).",
            mend="Is the studio running already? Else choose another: bookai serve --port PORT",
        ) from error
    return listener
