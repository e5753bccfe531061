"""The door of the HTTP server: no request without a token, no call without the right."""

import json
from collections.abc import Collection, Mapping

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from bookai.toolbox import ERROR_META, MEND_META
from mcp_server.auth import Principal
from mcp_server.guard import Guard
from mcp_server.rights.metadata import metadata_url
from mcp_server.rights.scopes import from_wire, on_wire
from mcp_server.wire import NOT_ALLOWED
from tools.base import Tool

_NEW_TOKEN = "Make a token on the studio's machine: bookai token create NAME --scope read"


class Door:
    """ASGI middleware inside the SDK's, which has turned the token into a user.

    The body is a JSON-RPC error, so that a client can tell its user more than a status code.
    `open_paths` are for everybody.
    """

    def __init__(
        self,
        app: ASGIApp,
        tools: Mapping[str, Tool],
        guard: Guard,
        resource: str,
        open_paths: Collection[str],
    ) -> None:
        self._app = app
        self._tools = tools
        self._guard = guard
        self._resource = resource
        self._open_paths = frozenset(open_paths)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Let the request pass, or answer 401 or 403 with the right it would need."""
        if scope["type"] != "http" or scope["path"] in self._open_paths:
            await self._app(scope, receive, send)
            return
        user = scope.get("user")
        headers = dict(scope["headers"])
        if not isinstance(user, AuthenticatedUser):
            # Who shows no token at all is told how, not that something was wrong with it.
            error = "invalid_token" if b"authorization" in headers else None
            message = f"This server needs a valid token made for {self._resource}. {_NEW_TOKEN}"
            data = {ERROR_META: "operator_needed", MEND_META: _NEW_TOKEN}
            await _answer(send, 401, self._challenge(error, "read"), _error(message, data))
            return
        tool = self._named(headers)
        principal = Principal(user.access_token.subject or "", from_wire(user.scopes))
        if tool is not None and not principal.may(tool.scope):
            refusal = await self._guard.refuse(tool, principal)
            challenge = self._challenge("insufficient_scope", tool.scope)
            await _answer(send, 403, challenge, _error(str(refusal), {ERROR_META: "refused"}))
            return
        await self._app(scope, receive, send)

    def _named(self, headers: Mapping[bytes, bytes]) -> Tool | None:
        """Return the tool of the routing headers; clients of the older era send none."""
        if headers.get(b"mcp-method") != b"tools/call":
            return None
        return self._tools.get(headers.get(b"mcp-name", b"").decode("latin-1"))

    def _challenge(self, error: str | None, needs: str) -> str:
        told = {
            "error": error,
            "scope": " ".join(on_wire([needs])),
            "resource_metadata": metadata_url(self._resource),
        }
        return "Bearer " + ", ".join(f'{k}="{v}"' for k, v in told.items() if v is not None)


def _error(message: str, data: Mapping[str, str]) -> bytes:
    error = {"code": NOT_ALLOWED, "message": message, "data": data}
    return json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()


async def _answer(send: Send, status: int, challenge: str, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"www-authenticate", challenge.encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
