"""What may be typed next: numbers that exist, channels, lengths of a plan."""

from collections.abc import Sequence
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from bookai.errors import Refused
from mcp_server.guard import Guard
from mcp_server.rooms.addresses import DIGITS, TEMPLATES, Room
from mcp_server.rooms.lent import Library
from mcp_server.rooms.prompts import PLANS, RIGHTS
from mcp_server.rooms.rights import not_allowed

MOST = 20
Reference = PromptReference | ResourceTemplateReference
_ROOMS = {room.uri: room for room in TEMPLATES}


def add_completion(server: MCPServer[Any], guard: Guard, library: Library) -> None:
    """Complete the variables of our templates and the arguments of our prompts."""

    async def complete(
        ref: Reference, argument: CompletionArgument, context: CompletionContext | None
    ) -> Completion | None:
        if isinstance(ref, PromptReference):
            if ref.name not in {prompt.name for prompt in await server.list_prompts()}:
                raise MCPError(INVALID_PARAMS, f"Unknown prompt: {ref.name[:64]!r}")
            return _of_prompt(guard, library, ref.name, argument)
        room = _ROOMS.get(ref.uri)
        if room is None:
            templates = await server.list_resource_templates()
            if ref.uri not in {template.uri_template for template in templates}:
                raise MCPError(INVALID_PARAMS, f"Unknown template: {ref.uri[:64]!r}")
            return None
        if argument.name != room.variable:
            raise _unknown(argument.name, room.uri)
        return await _of_template(guard, library, room, argument.value)

    register = server.completion()  # type: ignore[no-untyped-call]  # the SDK's has no types (2.3)
    register(complete)


async def _of_template(guard: Guard, library: Library, room: Room, typed: str) -> Completion:
    try:
        guard.lend(room.scope)
    except Refused as error:
        raise not_allowed(room.uri, error) from error
    if room.kind == "channel":
        return _fitting(library.channels(), typed)
    if room.kind is None or len(typed) > DIGITS:
        return Completion(values=[], total=0, has_more=False)
    numbers = await library.newest(room.kind, typed, MOST + 1)
    shown = [str(number) for number in numbers[:MOST]]
    has_more = len(numbers) > MOST
    return Completion(values=shown, total=None if has_more else len(shown), has_more=has_more)


def _of_prompt(
    guard: Guard, library: Library, name: str, argument: CompletionArgument
) -> Completion | None:
    right = RIGHTS.get(name)
    if right is None:
        return None
    if not guard.who().may(right):
        return Completion(values=[], total=0, has_more=False)
    match argument.name:
        case "channel":
            known = library.channels()
        case "videos":
            known = PLANS
        case "topic":
            known = ()
        case _:
            raise _unknown(argument.name, name)
    return _fitting(known, argument.value)


def _fitting(known: Sequence[str], typed: str) -> Completion:
    fitting = [one for one in known if one.startswith(typed)]
    return Completion(values=fitting[:MOST], total=len(fitting), has_more=len(fitting) > MOST)


def _unknown(argument: str, of: str) -> MCPError:
    return MCPError(INVALID_PARAMS, f"{of} has no argument {argument[:64]!r}.")
