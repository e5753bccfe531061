"""From a tool file to the SDK's tool: signature, published schemas, checked arguments."""

import inspect
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from functools import lru_cache
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool as McpTool
from mcp.types import CallToolResult, InputRequiredResult, ToolAnnotations
from pydantic import PrivateAttr, ValidationError
from pydantic_core import ErrorDetails

from mcp_server.once import KEY, SCHEMA, takes_key
from mcp_server.wire import BadArguments
from tools.base import Tool

Arguments = dict[str, Any]
McpContext = Context[Any, Any]
Answer = CallToolResult | InputRequiredResult
Runner = Callable[["GuardedTool", Arguments, McpContext], Awaitable[Answer]]

MAX_ID = 2**63 - 1
_SHOWN_ERRORS = 20
_SHOWN_NAME = 64
_UNKEEPABLE = re.compile(r"[\x00\ud800-\udfff]")
_NAMED_PARTS = ("properties", "$defs")
LEVELS = 2
"""The answer's record and those in it."""

_REF = "#/$defs/"
# What the schema of an answer does without: every field of a record is always there.
_UNSAID = (
    "description",
    "format",
    "default",
    "required",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "pattern",
)
_PLAIN_PARTS = ("default", "enum", "const", "examples", "required")


class GuardedTool(McpTool):
    """An SDK tool whose every call goes through the guard, which also checks the arguments.

    The SDK checks arguments before a tool's own code and answers for itself when they do not fit;
    such a call would leave no audit row, and its text would be pydantic's.
    """

    _runner: Runner = PrivateAttr()

    @classmethod
    def of(cls, tool: Tool, runner: Runner) -> "GuardedTool":
        """Return `tool` as the SDK wants it, with compact strict schemas and all four hints."""
        guarded = _described(tool).model_copy()
        guarded._runner = runner
        return guarded

    async def run(
        self, arguments: Arguments, context: McpContext, convert_result: bool = False
    ) -> Answer:
        """Hand the call to the guard; its answer is complete and raises nothing but protocol."""
        return await self._runner(self, arguments, context)

    def check(self, arguments: Arguments) -> Arguments:
        """Return the arguments as the tool's own types.

        Raises:
            BadArguments: a name is unknown or a value does not fit; every one is named.
        """
        known = self.parameters.get("properties", {})
        strange = [name for name in arguments if name not in known]
        unknown = [f"{name[:_SHOWN_NAME]}: there is no such argument" for name in strange]
        if unknown:
            takes = ", ".join(known) or "none"
            raise self._misfit([*unknown, f"It takes: {takes}"])
        try:
            fitting = self.fn_metadata.validate_arguments(arguments)
        except ValidationError as error:
            details = error.errors(include_url=False, include_context=False, include_input=False)
            raise self._misfit([_line(detail) for detail in details]) from error
        if bad := [name for name, value in arguments.items() if _is_unkeepable(value)]:
            raise self._misfit([f"{name}: has a character that is none of a text" for name in bad])
        # Python counts further than a database: no row has such a number.
        numbers = {name: value for name, value in fitting.items() if name.endswith("_id")}
        if far := [name for name, value in numbers.items() if _is_too_far(value)]:
            raise self._misfit([f"{name}: there is no such number" for name in far])
        return fitting

    def _misfit(self, lines: list[str]) -> BadArguments:
        shown = lines[:_SHOWN_ERRORS]
        if len(lines) > len(shown):
            shown.append(f"and {len(lines) - len(shown)} more")
        return BadArguments("\n".join([f"The arguments of {self.name} do not fit.", *shown]))


# Schemas cost some 10 ms a tool, and a process may build more than one server.
@lru_cache(maxsize=256)
def _described(tool: Tool) -> GuardedTool:
    """Return `tool` with its published schemas; a copy gets its runner."""
    described = GuardedTool.from_function(
        _without_context(tool),
        name=tool.name,
        title=tool.title,
        description=inspect.getdoc(tool.run),
        annotations=ToolAnnotations(
            read_only_hint=tool.read_only,
            destructive_hint=tool.destructive,
            idempotent_hint=tool.idempotent,
            open_world_hint=tool.open_world,
        ),
        structured_output=True,
    )
    assert isinstance(described, GuardedTool), "from_function builds its own class"
    described.parameters = {
        **inline(compact(described.parameters)),
        "additionalProperties": False,
    }
    if takes_key(tool):
        described.parameters.setdefault("properties", {})[KEY] = SCHEMA
    assert described.fn_metadata.output_schema is not None, "structured_output asks for one"
    described.fn_metadata.output_schema = loosen(compact(described.fn_metadata.output_schema))
    return described


def compact(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return `schema` without made-up titles, which repeat the names, and defaults of nothing."""
    small: dict[str, Any] = {}
    for key, value in schema.items():
        if (key == "title" and isinstance(value, str)) or (key == "default" and value is None):
            continue
        if key in _NAMED_PARTS:
            small[key] = {name: compact(part) for name, part in value.items()}
        elif key in _PLAIN_PARTS:
            small[key] = value
        elif isinstance(value, Mapping):
            small[key] = compact(value)
        elif isinstance(value, list):
            small[key] = [compact(p) if isinstance(p, Mapping) else p for p in value]
        else:
            small[key] = value
    return small


def loosen(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an answer in fewer bytes: a program reads it, not a model.

    Clients must expect later fields anyway; what a record is for stands in its own docstring, and a
    default is of no use to who gets the value. Records in records of the answer are just objects.
    """
    whole = _loose(schema)
    parts: dict[str, Any] = whole.pop("$defs", {})
    found: dict[str, Any] = _shallow(whole, parts, LEVELS)
    return found


def _shallow(part: Any, parts: Mapping[str, Any], levels: int) -> Any:
    """Return a part of a schema with its records in place, and no more than `levels` of them."""
    if isinstance(part, list):
        return [_shallow(one, parts, levels) for one in part]
    if not isinstance(part, Mapping):
        return part
    if "$ref" in part:
        return _shallow(parts[str(part["$ref"]).removeprefix(_REF)], parts, levels)
    if "properties" not in part:
        return {key: _shallow(value, parts, levels) for key, value in part.items()}
    if not levels:
        return {"type": part.get("type", "object")}
    named = part["properties"].items()
    return {**part, "properties": {k: _shallow(v, parts, levels - 1) for k, v in named}}


def inline(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema in which what is used in one place only is written there."""
    parts: Mapping[str, Any] = schema.get("$defs", {})
    text = json.dumps(schema)
    once = {name for name in parts if text.count(f'"{_REF}{name}"') == 1}
    whole = {k: _inlined(v, parts, once) for k, v in schema.items() if k != "$defs"}
    left = {k: _inlined(v, parts, once) for k, v in parts.items() if k not in once}
    return {"$defs": left, **whole} if left else whole


def _loose(schema: Mapping[str, Any]) -> dict[str, Any]:
    loose: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _UNSAID or (key == "additionalProperties" and value is False):
            continue
        if key in _NAMED_PARTS:
            loose[key] = {name: _loose(part) for name, part in value.items()}
        elif key == "anyOf" and (plain := _or_null(value)) is not None:
            loose.update(plain)
        elif isinstance(value, Mapping) and key not in _PLAIN_PARTS:
            loose[key] = _loose(value)
        elif isinstance(value, list) and key not in _PLAIN_PARTS:
            loose[key] = [_loose(part) if isinstance(part, Mapping) else part for part in value]
        else:
            loose[key] = value
    return loose


def _or_null(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return what may be null as one part: `{"type": ["string", "null"], "format": ...}`."""
    if all(part.keys() == {"type"} for part in parts):
        return {"type": [part["type"] for part in parts]}
    plain = [part for part in parts if part != {"type": "null"}]
    if len(plain) != 1 or len(parts) != 2 or not isinstance(plain[0].get("type"), str):
        return None
    found = _loose(plain[0])
    if "enum" in found:
        found["enum"] = [*found["enum"], None]
    return found | {"type": [found["type"], "null"]}


def _inlined(part: Any, parts: Mapping[str, Any], once: Set[str]) -> Any:
    if isinstance(part, list):
        return [_inlined(one, parts, once) for one in part]
    if not isinstance(part, Mapping):
        return part
    name = str(part.get("$ref", "")).removeprefix(_REF)
    if name in once:
        told = {key: value for key, value in part.items() if key != "$ref"}
        return {**_inlined(parts[name], parts, once), **told}
    return {key: _inlined(value, parts, once) for key, value in part.items()}


def _without_context(tool: Tool) -> Callable[..., Awaitable[Any]]:
    """Return a stand-in with the tool's signature, less what the server lends to it."""

    async def never_called(**arguments: object) -> None:
        raise AssertionError(f"{tool.name} runs through the guard only: {sorted(arguments)}")

    signature = inspect.signature(tool.run, eval_str=True)
    _context, *rest = signature.parameters.values()
    setattr(never_called, "__signature__", signature.replace(parameters=rest))  # noqa: B010
    return never_called


def _is_unkeepable(value: object) -> bool:
    """Tell whether a text in it has NUL or half a character: no database keeps these."""
    if isinstance(value, Mapping):
        return any(_is_unkeepable(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return any(map(_is_unkeepable, value))
    return isinstance(value, str) and _UNKEEPABLE.search(value) is not None


def _is_too_far(value: object) -> bool:
    return isinstance(value, int) and abs(value) > MAX_ID


def _line(detail: ErrorDetails) -> str:
    where = ".".join(str(part) for part in detail["loc"]) or "arguments"
    match detail["type"]:
        case "missing":
            return f"{where}: is missing"
        case "extra_forbidden":
            return f"{where}: there is no such field"
        case _:
            # pydantic words it for the caller ("Input should be less than or equal to 100").
            return f"{where}: {detail['msg']}"
