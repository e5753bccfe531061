"""`resources/subscribe` for clients of the older era; newer ones use `subscriptions/listen`."""

import asyncio
from collections.abc import Callable
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.server.session import ServerSession
from mcp.server.subscriptions import SubscriptionBus
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourceUpdated, ServerEvent
from mcp.types import (
    INVALID_PARAMS,
    EmptyResult,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)

from mcp_server.rooms.rights import WATCHED_MOST

_KEY = "bookai.watching"


def add_watching(server: MCPServer[Any], bus: SubscriptionBus) -> None:
    """Serve `resources/subscribe` and `resources/unsubscribe`; who may is asked before."""
    # The SDK has no public way for a high-level server to serve them (2.3).
    low = server._lowlevel_server

    async def subscribe(
        ctx: ServerRequestContext[Any, Any], params: SubscribeRequestParams
    ) -> EmptyResult:
        _watch_of(ctx.session, bus).add(str(params.uri))
        return EmptyResult()

    async def unsubscribe(
        ctx: ServerRequestContext[Any, Any], params: UnsubscribeRequestParams
    ) -> EmptyResult:
        _watch_of(ctx.session, bus).uris.discard(str(params.uri))
        return EmptyResult()

    low.add_request_handler("resources/subscribe", SubscribeRequestParams, subscribe)
    low.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, unsubscribe)


class _Watch:
    """What one connection watches; it ends with the connection."""

    def __init__(self, session: ServerSession) -> None:
        self.uris: set[str] = set()
        self._session = session
        self._changed: dict[str, None] = {}
        self._rung = asyncio.Event()
        self._sending: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] | None = None

    def open(self, bus: SubscriptionBus) -> None:
        """Begin to hear and to send."""
        self._unsubscribe = bus.subscribe(self._hear)
        self._sending = asyncio.create_task(self._send(), name="resource updates")

    async def close(self) -> None:
        """End both."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait({self._sending})

    def add(self, uri: str) -> None:
        """Watch one address more."""
        if len(self.uris) >= WATCHED_MOST:
            raise MCPError(
                INVALID_PARAMS,
                f"This connection watches {WATCHED_MOST} addresses: unsubscribe from one first.",
            )
        self.uris.add(uri)

    def _hear(self, event: ServerEvent) -> None:
        # However slow the client is, an address waits once at most.
        if isinstance(event, ResourceUpdated) and event.uri in self.uris:
            self._changed[event.uri] = None
            self._rung.set()

    async def _send(self) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            changed, self._changed = tuple(self._changed), {}
            for uri in changed:
                await self._session.send_resource_updated(uri)


def _watch_of(session: ServerSession, bus: SubscriptionBus) -> _Watch:
    # What must end with the connection hangs on it, and the SDK hands out no other way to it (2.3).
    connection = session._connection
    watch: _Watch | None = connection.state.get(_KEY)
    if watch is None:
        watch = connection.state[_KEY] = _Watch(session)
        watch.open(bus)
        connection.exit_stack.push_async_callback(watch.close)
    return watch
