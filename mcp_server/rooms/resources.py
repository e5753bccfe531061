"""Every room becomes an MCP resource or template, behind a right and a time limit."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.shared.exceptions import MCPError

from bookai.errors import BookAIError, Refused, TryLater
from bookai.metrics import RESOURCE_READS
from mcp_server.guard import Guard
from mcp_server.rooms.addresses import Room, number_in
from mcp_server.rooms.lent import Library, Signer
from mcp_server.rooms.reading import FIXED, NAMED, NUMBERED, Reader
from mcp_server.rooms.rights import not_allowed
from mcp_server.wire import scrub

logger = logging.getLogger(__name__)

LIMIT_S = 10.0

Read = Callable[[Reader], Awaitable[str | bytes]]


def add_resources(
    server: MCPServer[Any], guard: Guard, library: Library, signer: Signer | None
) -> None:
    """Add the studio's resources and templates to `server`."""
    shelf = _Shelf(guard, library, signer)
    for room in FIXED:
        _register(server, room, shelf.fixed(room))
    for room in NUMBERED:
        _register(server, room, shelf.numbered(room))
    for room in NAMED:
        _register(server, room, shelf.named(room))


class _Shelf:
    """Reads one room for whoever asks, or says why not."""

    def __init__(self, guard: Guard, library: Library, signer: Signer | None) -> None:
        self._guard = guard
        self._library = library
        self._signer = signer

    def fixed(self, room: Room) -> Callable[[], Awaitable[str | bytes]]:
        """Return what reads a room that has one address."""

        async def read() -> str | bytes:
            return await self._read(room, FIXED[room])

        return read

    def numbered(self, room: Room) -> Callable[..., Awaitable[str | bytes]]:
        """Return what reads a room of a template, with the template's variable as its argument."""

        async def read(**variables: str) -> str | bytes:
            number = number_in(variables[room.variable])
            if number is None:
                shown = variables[room.variable][:40]
                raise ResourceNotFoundError(f"{room.uri} takes a number, not {shown!r}.")
            return await self._read(room, lambda reader: NUMBERED[room](reader, number))

        return _taking(room, read)

    def named(self, room: Room) -> Callable[..., Awaitable[str | bytes]]:
        """Return what reads a room of a template whose variable is a name."""

        async def read(**variables: str) -> str | bytes:
            name = variables[room.variable]
            return await self._read(room, lambda reader: NAMED[room](reader, name))

        return _taking(room, read)

    async def _read(self, room: Room, read: Read) -> str | bytes:
        try:
            contents = await self._read_in_time(room, read)
        except Exception as error:
            # A door: the SDK tells the caller what we meant to say, and of any other error no more
            # than the address; the log has the rest.
            RESOURCE_READS.labels(room.scheme, _outcome(error)).inc()
            raise
        RESOURCE_READS.labels(room.scheme, "ok").inc()
        return contents

    async def _read_in_time(self, room: Room, read: Read) -> str | bytes:
        try:
            self._guard.lend(room.scope)
        except Refused as error:
            raise not_allowed(room.uri, error) from error
        if self._guard.limits is not None:
            try:
                self._guard.limits.check_reading(self._guard.who(), room.scheme)
            except TryLater as error:
                again = f"{error} Try again in {error.after_s:g} s."
                raise ResourceError(again) from error
        reader = Reader(self._library, self._signer, self._guard.who())
        try:
            async with asyncio.timeout(LIMIT_S):
                return await read(reader)
        except Refused as error:
            raise ResourceNotFoundError(scrub(str(error))) from error
        except BookAIError as error:
            raise ResourceError(scrub(str(error))) from error
        except TimeoutError as error:
            logger.warning("%s was not read in time", room.uri, extra={"action": "read_slow"})
            raise ResourceError(
                f"{room.name} was not read within {LIMIT_S:g} s: try again."
            ) from error


def _taking(
    room: Room, read: Callable[..., Awaitable[str | bytes]]
) -> Callable[..., Awaitable[str | bytes]]:
    """Let a reader take the template's variable by its name."""
    # The SDK and pydantic learn from these two what it is called.
    argument = inspect.Parameter(room.variable, inspect.Parameter.KEYWORD_ONLY, annotation=str)
    setattr(read, "__signature__", inspect.Signature([argument]))  # noqa: B010
    read.__annotations__ = {room.variable: str}
    return read


def _outcome(error: Exception) -> str:
    match error:
        case MCPError():
            return "refused"
        case ResourceNotFoundError():
            return "missing"
        case _:
            return "failed"


def _register(server: MCPServer[Any], room: Room, read: Callable[..., Any]) -> None:
    described = server.resource(
        room.uri,
        name=room.name,
        title=room.title,
        description=room.holds,
        mime_type=room.mime_type,
    )
    described(read)
