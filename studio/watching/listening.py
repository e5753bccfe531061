"""The HTTP server of the door: in threads of its own, on loopback, for reading only."""

import errno
import logging
import socket
import threading
from collections.abc import Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from studio.watching.answers import Answer

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
AT_ONCE = 16
SLOW_CLIENT_S = 5.0
POLL_S = 0.25
SEARCHED = 64
"""So many ports after the wished one are tried before any free one is taken."""

_OURS = frozenset({"127.0.0.1", "localhost", "[::1]"})


class Answering(Protocol):
    """What is listened for."""

    def get(self, path: str, accept: str) -> Answer:
        """Answer one request, in a thread of its own."""


class Listener(ThreadingHTTPServer):
    """Answers at one port until it is closed."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = AT_ONCE

    def __init__(self, port: int, answering: Answering) -> None:
        super().__init__((HOST, port), _Handler)
        self.answering = answering
        self._room = threading.BoundedSemaphore(AT_ONCE)
        self._thread = threading.Thread(
            target=self.serve_forever, args=(POLL_S,), name=f"metrics-{self.port}", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it really has."""
        return int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread; turn away who comes while all are busy."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, then make room."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say in the log what broke; a client that left is none of it."""
        logger.debug("A request for metrics broke off", exc_info=True)

    def close(self) -> None:
        """Stop listening; it may take `POLL_S`."""
        self.shutdown()
        self.server_close()
        self._thread.join(SLOW_CLIENT_S)


class _Handler(BaseHTTPRequestHandler):
    server: Listener
    server_version = "bookai"
    sys_version = ""
    timeout = SLOW_CLIENT_S

    def do_GET(self) -> None:
        """Answer with a body."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer without one."""
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        answer = self._find()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if with_body:
            self.wfile.write(answer.body)

    def _find(self) -> Answer:
        # A web page that has its name point here must not read what the studio is doing.
        host = (self.headers.get("Host") or HOST).rpartition(":")[0] or self.headers.get("Host", "")
        if host not in _OURS:
            return Answer(HTTPStatus.FORBIDDEN, "text/plain; charset=utf-8", b"ask for 127.0.0.1\n")
        path = self.path.partition("?")[0]
        return self.server.answering.get(path, self.headers.get("Accept", ""))

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the log for what the studio does."""


def listen(port: int, answering: Answering) -> Listener | None:
    """Listen at `port`, or return None where somebody else does or may."""
    try:
        return Listener(port, answering)
    except (OSError, OverflowError) as error:
        if getattr(error, "errno", None) not in (errno.EADDRINUSE, errno.EACCES):
            logger.warning(
                "Port %s cannot be had: %s", port, error, extra={"action": "metrics_port_failed"}
            )
        return None


def listen_near(port: int, answering: Answering) -> Listener | None:
    """Listen at `port` or at the next one that is free."""
    nearby: Iterable[int] = range(port, min(port + SEARCHED, 65_536))
    for one in (*nearby, 0):
        if found := listen(one, answering):
            return found
    return None


def this_host() -> str:
    """Return this machine's name, as others of the studio know it."""
    return socket.gethostname()[:100] or "localhost"
