"""What the SDK leaves open: lists by right, names that are unknown."""

from collections.abc import Callable, Mapping
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from mcp_server.auth import Principal
from tools.base import Tool

_LISTS = frozenset({"tools/list", "prompts/list", "resources/list", "resources/templates/list"})


class Rooms:
    """MCP middleware: each caller sees the tools it may call, in one fixed order."""

    def __init__(
        self, tools: Mapping[str, Tool], who: Callable[[], Principal], server: MCPServer[Any]
    ) -> None:
        self._tools = tools
        self._who = who
        self._server = server

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Refuse names and cursors that do not exist, which the SDK would answer otherwise."""
        asked = ctx.params or {}
        if ctx.method == "tools/call" and not self._is_tool(asked.get("name")):
            raise MCPError(INVALID_PARAMS, f"Unknown tool: {_quoted(asked.get('name'))}")
        if ctx.method == "prompts/get" and not await self._is_prompt(asked.get("name")):
            raise MCPError(INVALID_PARAMS, f"Unknown prompt: {_quoted(asked.get('name'))}")
        if ctx.method in _LISTS and asked.get("cursor") is not None:
            raise MCPError(INVALID_PARAMS, "Unknown cursor: every list here is one page.")
        result = await call_next(ctx)
        if ctx.method == "tools/list" and isinstance(result, dict):
            return {**result, "tools": self._visible(result["tools"])}
        return result

    def _is_tool(self, name: object) -> bool:
        return isinstance(name, str) and name in self._tools

    async def _is_prompt(self, name: object) -> bool:
        return any(prompt.name == name for prompt in await self._server.list_prompts())

    def _visible(self, listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
        principal = self._who()
        may = [tool for tool in listed if principal.may(self._tools[tool["name"]].scope)]
        return sorted(may, key=lambda tool: str(tool["name"]))


def _quoted(name: object) -> str:
    return repr(name)[:80]
