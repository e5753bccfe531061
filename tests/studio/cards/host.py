"""A chat program in small: it shows the card in a sandbox, and calls tools for it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp.client import Client
from mcp.types import TextResourceContents
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from mcp_server.cards import CARD_URI
from mcp_server.serve import serve_http

_PAGE = Path(__file__).with_name("host.html")


@dataclass(frozen=True)
class Host:
    """Speaks MCP to the studio, and HTTP to the browser in which the person sits."""

    client: Client

    def http_app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self._page),
                Route("/view", self._view),
                Route("/call", self._call, methods=["POST"]),
                Route("/favicon.ico", self._nothing),
            ]
        )

    async def _page(self, request: Request) -> Response:
        return HTMLResponse(_PAGE.read_text())

    async def _nothing(self, request: Request) -> Response:
        return Response(status_code=204)

    async def _view(self, request: Request) -> Response:
        """Answer with the card's page under the policy that its resource declares."""
        [content] = (await self.client.read_resource(CARD_URI)).contents
        assert isinstance(content, TextResourceContents)
        csp = (content.meta or {})["ui"]["csp"]
        return HTMLResponse(content.text, headers={"content-security-policy": _policy(csp)})

    async def _call(self, request: Request) -> Response:
        asked = await request.json()
        result = await self.client.call_tool(asked["name"], asked["arguments"])
        return JSONResponse(result.model_dump(mode="json", by_alias=True, exclude_none=True))


def _policy(csp: Mapping[str, Any]) -> str:
    """Return the policy that the specification makes of a resource's declaration."""
    may_load = " ".join(csp.get("resourceDomains", ()))
    may_ask = " ".join(csp.get("connectDomains", ())) or "'none'"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'unsafe-inline' {may_load}",
            f"style-src 'self' 'unsafe-inline' {may_load}",
            f"img-src 'self' data: {may_load}",
            f"media-src 'self' data: {may_load}",
            f"connect-src {may_ask}",
            "frame-src 'none'",
            "object-src 'none'",
            "base-uri 'self'",
        )
    )


@asynccontextmanager
async def hosted(client: Client) -> AsyncIterator[str]:
    """Serve the host on a free port; yield where."""
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(serve_http(Host(client), port=0, on_ready=url.set_result))
        try:
            yield (await url).removesuffix("mcp")
        finally:
            serving.cancel()
