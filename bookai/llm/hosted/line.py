"""The line to model servers over HTTP: clients kept open, keys, events under time limits.

Built on httpx and httpx-sse. The vendors' own libraries cost one to two seconds of import and retry
by themselves, where the pool could neither see nor count it.
"""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from httpx_sse import ServerSentEvent, SSEError, aconnect_sse

from bookai.llm.base import Call, CallFailed, ErrorKind, Model, Server, Sight
from bookai.llm.hosted.failures import not_spoken, read_complaint, refusal_of

LOOK_LIMIT_S = 1.8
CONNECT_LIMIT_S = 1.0
FAR_CONNECT_LIMIT_S = 5.0
# A server of someone else has a queue of its own that nobody here can see.
FAR_FIRST_CHUNK_S = 30.0
FAR_IDLE_S = 20.0
# A server of someone else is not asked every two seconds what it has.
FAR_SIGHT_S = 60.0
MAX_ERROR_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Question:
    """One POST: where to, what, and with which headers besides the usual ones."""

    url: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Seen:
    until: float
    sight: Sight | CallFailed


class Lines:
    """One client a server, opened when first used. `environment` holds the keys."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._seen: dict[str, _Seen] = {}

    def key(self, server: Server) -> str | None:
        """Return a server's key, None when it has none.

        Raises:
            CallFailed: the variable that should hold it is not set.
        """
        if server.key_env is None:
            return None
        key = self._environment.get(server.key_env, "").strip()
        if key:
            return key
        raise CallFailed(
            f"{server.name} ({server.url}) needs a key: set the environment variable "
            f"{server.key_env}",
            outcome="client",
            kind="http_4xx",
        )

    async def close(self) -> None:
        """Close every client."""
        clients, self._clients = tuple(self._clients.values()), {}
        for client in clients:
            await client.aclose()

    async def seen(self, server: Server, look: Callable[[], Awaitable[Sight]]) -> Sight:
        """Look at a server; at one outside this network once a minute at most.

        Raises:
            CallFailed: it is not up, or does not let us in.
        """
        now = asyncio.get_running_loop().time()
        seen = self._seen.get(server.name)
        if seen is None or seen.until <= now:
            seen = await self._look(server, look, now)
            self._seen[server.name] = seen
        if isinstance(seen.sight, CallFailed):
            # Kept and raised again: without this its traceback would grow with each look.
            raise seen.sight.with_traceback(None)
        return seen.sight

    async def _look(
        self, server: Server, look: Callable[[], Awaitable[Sight]], now: float
    ) -> _Seen:
        keep_s = 0.0 if is_near(server.url) else FAR_SIGHT_S
        try:
            async with asyncio.timeout(LOOK_LIMIT_S), translated(server):
                return _Seen(now + keep_s, await look())
        except TimeoutError:
            why = f"{server.name} ({server.url}) does not answer within {LOOK_LIMIT_S} s"
            # Not kept for long: a line that was down for a moment is not a refusal.
            late = CallFailed(why, outcome="timeout", kind="first_chunk_timeout")
            return _Seen(now, late)
        except CallFailed as error:
            return _Seen(now + (keep_s if error.outcome == "client" else 0.0), error)

    async def fetch(self, server: Server, url: str, headers: Mapping[str, str]) -> Any:
        """Return the JSON at an address.

        Raises:
            CallFailed: it is not there, or is no JSON.
        """
        response = await self._client(server).get(url, headers=dict(headers))
        if response.status_code != 200:
            raise refusal_of(server, None, response, read_complaint(response.content))
        try:
            return response.json()
        except ValueError as error:
            raise not_spoken(server, "its list of models is no JSON") from error

    async def listen(
        self, call: Call, question: Question, take: Callable[[ServerSentEvent], bool]
    ) -> None:
        """Send a question and hand each event to `take`, until that says it was the last.

        Closing the connection is what stops the server, so it is closed however this ends.

        Raises:
            CallFailed: no connection, another status than 200, no events, or one too late.
        """
        loop, heard = asyncio.get_running_loop(), False
        first_s, idle_s = call.first_chunk_s, call.idle_s
        if not is_near(call.server.url):
            first_s, idle_s = max(first_s, FAR_FIRST_CHUNK_S), max(idle_s, FAR_IDLE_S)
        first = min(call.until, loop.time() + first_s)
        try:
            async with (
                asyncio.timeout_at(first) as limit,
                translated(call.server),
                self._post(call, question) as events,
            ):
                async for event in events:
                    heard = True
                    if take(event):
                        return
                    limit.reschedule(min(call.until, loop.time() + idle_s))
        except TimeoutError as error:
            raise _too_late(call, heard, is_over=loop.time() >= call.until) from error

    @asynccontextmanager
    async def _post(
        self, call: Call, question: Question
    ) -> AsyncIterator[AsyncIterator[ServerSentEvent]]:
        async with aconnect_sse(
            self._client(call.server),
            "POST",
            question.url,
            json=question.body,
            headers=dict(question.headers),
        ) as source:
            if source.response.status_code != 200:
                raise await _refusal(call.server, call.model, source.response)
            yield source.aiter_sse()

    def _client(self, server: Server) -> httpx.AsyncClient:
        found = self._clients.get(server.name)
        if found is None:
            near = is_near(server.url)
            connect_s = CONNECT_LIMIT_S if near else FAR_CONNECT_LIMIT_S
            # Reading is limited by `listen`: httpx's own limit never fires on a server that drips.
            found = httpx.AsyncClient(
                timeout=httpx.Timeout(None, connect=connect_s),
                trust_env=server.proxy and not near,
                verify=_trusted(server.url),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=server.slots),
            )
            self._clients[server.name] = found
        return found


@asynccontextmanager
async def translated(server: Server) -> AsyncIterator[None]:
    """Turn what httpx and httpx-sse raise into `CallFailed`."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise CallFailed(
            f"nothing answers at {server.url} ({server.name})",
            outcome="infra",
            kind="connect",
        ) from error
    except SSEError as error:
        raise not_spoken(server, "it sent no stream of events") from error
    except httpx.HTTPError as error:
        what = type(error).__name__
        raise CallFailed(
            f"{server.name} ({server.url}) broke off the connection ({what})",
            outcome="infra",
            kind="reset",
        ) from error


def _trusted(url: str) -> ssl.SSLContext | bool:
    """Return the authorities that are believed; those of this machine count too."""
    if not url.startswith("https:"):
        return False  # to read them takes 20 ms, and http has no use for them
    found = httpx.create_ssl_context(trust_env=False)
    found.load_default_certs()
    return found


def is_near(url: str) -> bool:
    """Tell whether an address is on this machine or in its own network."""
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith((".local", ".internal"))
    return address.is_private or address.is_loopback or address.is_link_local


async def _refusal(server: Server, model: Model, response: httpx.Response) -> CallFailed:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > MAX_ERROR_BYTES:
            break
    return refusal_of(server, model, response, read_complaint(bytes(body)))


def _too_late(call: Call, heard: bool, *, is_over: bool) -> CallFailed:
    name = call.server.name
    kind: ErrorKind = "first_chunk_timeout"
    text = f"{name} did not begin its answer in time"
    if is_over:
        kind, text = "deadline", f"{name} was not done with its answer in time"
    elif heard:
        kind, text = "idle_timeout", f"{name} fell silent in its answer"
    return CallFailed(text, outcome="timeout", kind=kind, retry=not is_over)
