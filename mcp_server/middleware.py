"""What the SDK leaves open: lists by right, names that are unknown, challenges that say why."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from bookai.toolbox import ERROR_META, MEND_META
from mcp_server.auth import Principal
from mcp_server.guard import Guard
from mcp_server.wire import NOT_ALLOWED
from tools.base import Tool

_LISTS = frozenset({"tools/list", "prompts/list", "resources/list", "resources/templates/list"})
_NEW_TOKEN = "Make a token on the studio's machine: bookai token create NAME --scope read"


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
        if ctx.method == "tools/call" and asked.get("name") not in self._tools:
            raise MCPError(INVALID_PARAMS, f"Unknown tool: {_quoted(asked.get('name'))}")
        if ctx.method == "prompts/get" and not await self._is_prompt(asked.get("name")):
            raise MCPError(INVALID_PARAMS, f"Unknown prompt: {_quoted(asked.get('name'))}")
        if ctx.method in _LISTS and asked.get("cursor") is not None:
            raise MCPError(INVALID_PARAMS, "Unknown cursor: every list here is one page.")
        result = await call_next(ctx)
        if ctx.method == "tools/list" and isinstance(result, dict):
            return {**result, "tools": self._visible(result["tools"])}
        return result

    async def _is_prompt(self, name: object) -> bool:
        return any(prompt.name == name for prompt in await self._server.list_prompts())

    def _visible(self, listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
        principal = self._who()
        may = [tool for tool in listed if principal.may(self._tools[tool["name"]].scope)]
        return sorted(may, key=lambda tool: str(tool["name"]))


class Door:
    """ASGI middleware inside the SDK's: no request without a token, no call without the right.

    The body is a JSON-RPC error, so that a client can tell its user more than a status code.
    """

    def __init__(self, app: ASGIApp, tools: Mapping[str, Tool], guard: Guard) -> None:
        self._app = app
        self._tools = tools
        self._guard = guard

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Let the request pass, or answer 401 or 403 with the right it would need."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        user = scope.get("user")
        if not isinstance(user, AuthenticatedUser):
            message = f"This server needs a valid token. {_NEW_TOKEN}"
            data = {ERROR_META: "operator_needed", MEND_META: _NEW_TOKEN}
            await _challenge(send, 401, "invalid_token", "read", (message, data))
            return
        tool = self._named(scope)
        principal = Principal(user.access_token.subject or "", frozenset(user.scopes))
        if tool is not None and not principal.may(tool.scope):
            refusal = await self._guard.refuse(tool, principal)
            data = {ERROR_META: "refused"}
            await _challenge(send, 403, "insufficient_scope", tool.scope, (str(refusal), data))
            return
        await self._app(scope, receive, send)

    def _named(self, scope: AsgiScope) -> Tool | None:
        """Return the tool of the routing headers; clients of the older era send none."""
        headers = dict(scope["headers"])
        if headers.get(b"mcp-method") != b"tools/call":
            return None
        return self._tools.get(headers.get(b"mcp-name", b"").decode("latin-1"))


async def _challenge(
    send: Send, status: int, error: str, needs: str, says: tuple[str, Mapping[str, str]]
) -> None:
    message, data = says
    body = json.dumps(
        {
            "jsonrpc": "2.0",
            "id": None,
            "error": {"code": NOT_ALLOWED, "message": message, "data": data},
        }
    ).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"www-authenticate", f'Bearer error="{error}", scope="{needs}"'.encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _quoted(name: object) -> str:
    return repr(name)[:80]
