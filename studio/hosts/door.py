"""The door of a host: one token, compared in constant time; without one, loopback only."""

import hmac
import ipaddress
import json
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp, Receive, Scope, Send

from bookai.errors import OperatorNeeded
from bookai.toolbox import ERROR_META, MEND_META
from mcp_server.serve import PATH

MIN_TOKEN = 16
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_MEND = "Put the host's token into the variable that token_env names, on the studio's machine."


class HostDoor:
    """A host's MCP server as it is offered over HTTP.

    Raises:
        OperatorNeeded: the address can be reached from elsewhere and there is no token, or the
            token can be guessed.
    """

    def __init__(self, server: MCPServer[Any], host: str, token: str) -> None:
        if token and len(token) < MIN_TOKEN:
            raise OperatorNeeded(
                f"a token of {len(token)} characters can be guessed.",
                mend=f"Use {MIN_TOKEN} or more: openssl rand -hex 32",
            )
        if not token and not is_loopback(host):
            raise OperatorNeeded(
                f"{host!r} can be reached from elsewhere, and there is no token.",
                mend="Set BOOKAI_HOST_TOKEN (openssl rand -hex 32), or leave --host away.",
            )
        self._server = server
        self._token = token

    def http_app(self) -> ASGIApp:
        """Return the ASGI app: streamable HTTP at `/mcp`."""
        app = self._server.streamable_http_app(
            streamable_http_path=PATH,
            # A page in a browser knows no token; without one, only our own names are answered.
            transport_security=TransportSecuritySettings(
                enable_dns_rebinding_protection=not self._token,
                allowed_hosts=[f"{name}:*" for name in _LOOPBACK],
                allowed_origins=[],
            ),
        )
        return _Bearer(app, self._token) if self._token else app


class _Bearer:
    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request with the token pass; answer 401 to any other, before it is read."""
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, self._expected):
                await _challenge(send)
                return
        await self._app(scope, receive, send)


async def _challenge(send: Send) -> None:
    message = f"This host of agents needs its token. {_MEND}"
    data = {ERROR_META: "operator_needed", MEND_META: _MEND}
    error = {"code": -32010, "message": message, "data": data}
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"www-authenticate", b'Bearer error="invalid_token"'),
    ]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
