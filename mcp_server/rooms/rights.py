"""Who may read, list and watch what; how long anyone may watch without asking anew."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp.shared.uri_template import UriTemplate
from mcp.types import INVALID_PARAMS, SubscriptionsListenResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from bookai.errors import Refused
from bookai.metrics import STREAMS
from bookai.toolbox import ERROR_META
from mcp_server.auth import Principal
from mcp_server.rooms.addresses import room_of
from mcp_server.rooms.prompts import RIGHTS
from mcp_server.serve import ENDING
from mcp_server.wire import NOT_ALLOWED, scrub

WATCHED_MOST = 100
"""Addresses that one stream or connection watches."""

STREAMS_MOST = 32
"""Streams that one principal holds open at once."""

STREAM_S = 600.0
"""A stream ends in order after so long: who listens again shows a token that still counts."""

_LISTS = {
    "resources/list": ("resources", "uri"),
    "resources/templates/list": ("resourceTemplates", "uriTemplate"),
}


def not_allowed(uri: str, why: Refused) -> MCPError:
    """Return the protocol's error for one who lacks a right."""
    return MCPError(NOT_ALLOWED, scrub(str(why)), {"uri": uri, ERROR_META: "refused"})


@asynccontextmanager
async def _ending(
    ctx: ServerRequestContext[Any, Any], limit: asyncio.Timeout
) -> AsyncIterator[None]:
    """Let the limit run out at once when the server is about to stop."""
    ending = ctx.request.scope.get(ENDING) if ctx.request is not None else None
    if not isinstance(ending, asyncio.Event):
        yield
        return

    async def watch() -> None:
        await ending.wait()
        limit.reschedule(asyncio.get_running_loop().time())

    watching = asyncio.create_task(watch(), name="end of a stream")
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait({watching})


class Readers:
    """MCP middleware: lists by right, and nobody watches what he may not read."""

    def __init__(
        self, who: Callable[[], Principal], server: MCPServer[Any], stream_s: float = STREAM_S
    ) -> None:
        self._who = who
        self._server = server
        self._stream_s = stream_s
        self._streams: Counter[str] = Counter()

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Check what is asked for; hide what the caller may not have."""
        asked = ctx.params or {}
        match ctx.method:
            case "subscriptions/listen":
                return await self._listen(ctx, call_next, asked)
            # The newer era has no such method, whatever it names.
            case "resources/subscribe" if ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS:
                await self._check_watched([asked.get("uri")], self._who())
            case "prompts/get" if (right := RIGHTS.get(str(asked.get("name")))) is not None:
                self._check_prompt(str(asked["name"]), right)
                await self._check_arguments(str(asked["name"]), asked.get("arguments") or {})
            case _:
                pass
        result = await call_next(ctx)
        return self._visible(ctx.method, result) if isinstance(result, dict) else result

    async def _listen(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext, asked: Mapping[str, Any]
    ) -> HandlerResult:
        principal = self._who()
        notifications = asked.get("notifications")
        uris = notifications.get("resourceSubscriptions") if isinstance(notifications, dict) else ()
        await self._check_watched(uris if isinstance(uris, list) else [], principal)
        if self._streams[principal.name] >= STREAMS_MOST:
            raise MCPError(
                NOT_ALLOWED, f"{principal.name} holds {STREAMS_MOST} streams: close one first."
            )
        self._streams[principal.name] += 1
        STREAMS.inc()
        try:
            async with asyncio.timeout(self._stream_s) as limit, _ending(ctx, limit):
                return await call_next(ctx)
        except TimeoutError:
            if not limit.expired():
                raise
            return SubscriptionsListenResult(_meta={SUBSCRIPTION_ID_META_KEY: ctx.request_id})
        finally:
            STREAMS.dec()
            self._streams[principal.name] -= 1
            # Names come from tokens: without this the counter would grow with every one ever made.
            self._streams += Counter()

    async def _check_arguments(self, name: str, given: object) -> None:
        """Refuse arguments that a prompt does not take; the SDK calls them a fault of ours.

        Raises:
            MCPError: some are unknown, or one that is needed is missing; each is named.
        """
        [prompt] = [one for one in await self._server.list_prompts() if one.name == name]
        takes = {one.name: one.required for one in prompt.arguments or ()}
        named = given if isinstance(given, dict) else {}
        wrong = [f"{one[:64]!r}: there is no such argument" for one in named if one not in takes]
        wrong += [
            f"{one}: is missing" for one, needed in takes.items() if needed and one not in named
        ]
        if wrong:
            shown = [*wrong[:20], f"It takes: {', '.join(takes) or 'none'}"]
            raise MCPError(
                INVALID_PARAMS, "\n".join([f"The arguments of {name} do not fit.", *shown])
            )

    async def _check_watched(self, uris: Sequence[object], principal: Principal) -> None:
        """Let nobody watch what is not there or what he may not read.

        Raises:
            MCPError: an address is unknown or not for this principal, or there are too many.
        """
        if len(uris) > WATCHED_MOST:
            raise MCPError(
                INVALID_PARAMS,
                f"{len(uris)} addresses are too many to watch: at most {WATCHED_MOST}. "
                "Watch studio://jobs to hear of every job.",
            )
        for uri in map(str, uris):
            room = None if "{" in uri else room_of(uri)
            if room is None and not await self._is_elsewhere(uri):
                raise MCPError(INVALID_PARAMS, f"Nothing can be watched at {uri[:120]!r}.")
            scope = room.scope if room else "read"
            if not principal.may(scope):
                lacks = f"{uri} needs the right {scope!r}, which {principal.name} lacks."
                raise not_allowed(uri, Refused(lacks))

    async def _is_elsewhere(self, uri: str) -> bool:
        """Tell whether the server has this address from another package than this one."""
        if any(str(one.uri) == uri for one in await self._server.list_resources()):
            return True
        templates = [one.uri_template for one in await self._server.list_resource_templates()]
        others = [template for template in templates if room_of(template) is None]
        return any(UriTemplate.parse(template).match(uri) is not None for template in others)

    def _check_prompt(self, name: str, right: str) -> None:
        principal = self._who()
        if not principal.may(right):
            why = Refused(f"{name} needs the right {right!r}, which {principal.name} lacks.")
            raise MCPError(NOT_ALLOWED, scrub(str(why)), {"prompt": name, ERROR_META: "refused"})

    def _visible(self, method: str, result: dict[str, Any]) -> dict[str, Any]:
        if method == "prompts/list":
            shown = [one for one in result["prompts"] if self._may(RIGHTS.get(one["name"]))]
            return {**result, "prompts": shown}
        if method not in _LISTS:
            return result
        key, address = _LISTS[method]
        rooms = ((one, room_of(one[address])) for one in result[key])
        shown = [one for one, room in rooms if self._may(room.scope if room else None)]
        return {**result, key: shown}

    def _may(self, right: str | None) -> bool:
        # What is not of this package has rights of its own.
        return right is None or self._who().may(right)
