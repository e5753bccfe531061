"""The server as it is built for everyone, with the props that the official suite asks for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from mcp.server.subscriptions import InMemorySubscriptionBus
from starlette.types import ASGIApp, Receive, Scope, Send

from bookai.errors import Refused
from mcp_server.auth import Principal
from mcp_server.cards import Cards, CardSheet
from mcp_server.rooms import FileKind, SignedLink
from mcp_server.server import StudioServer, build_server, serve_http
from mcp_server.tasks.works import Terms
from tests.mcp_server.conformance import asking, contents, reading, slow
from tests.mcp_server.tasks.shop import Shop
from tools.base import Tool, ToolContext

TOKEN = "of-operator"
WEB_URL = "https://studio.example.org"
PROPS: Collection[Callable[[StudioServer], Collection[str]]] = (
    contents.add_contents,
    contents.add_signals,
    contents.add_schemas,
    asking.add_questions,
    asking.add_rounds,
    slow.add,
)


@dataclass
class Stage(Shop):
    """The shop with resources, watching, the terms of the real studio, and the suite's tools."""

    terms: Terms = field(default_factory=Terms)
    always: Collection[str] = slow.ALWAYS
    bus: InMemorySubscriptionBus = field(default_factory=InMemorySubscriptionBus)

    @property
    def tools(self) -> dict[str, Tool]:
        return {**super().tools, **{tool.name: tool for tool in slow.TOOLS}}

    def server(self, principal: Principal | None) -> StudioServer:
        server = build_server(
            self.tools.values(),
            make_context=self.context,
            audit=self.audit,
            principal=principal,
            lookup=None if principal else self.lookup,
            library=self.library,
            bus=self.bus,
            cards=Cards(_no_cards, _no_link, WEB_URL),
            tasks=self.store,
            task_terms=self.terms,
            always_tasks=self.always,
        )
        reading.add(server)
        for add in PROPS:
            # The studio serves nothing that its own list of tools does not name.
            server.studio_tools.update({name: _listed(name) for name in add(server)})
        return server


@dataclass(frozen=True)
class OpenDoor:
    """The server's own HTTP door, which brings the token that the suite has no way to send.

    All that stands before and behind a token is the studio's: hosts, origins, rights, the guard.
    """

    server: StudioServer
    token: str = TOKEN

    def http_app(self) -> ASGIApp:
        app = self.server.http_app()

        async def with_token(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                bearer = (b"authorization", f"Bearer {self.token}".encode())
                scope["headers"] = [*scope["headers"], bearer]
            await app(scope, receive, send)

        return with_token


@asynccontextmanager
async def opened(server: Any) -> AsyncIterator[str]:
    """Serve on a free loopback port while the block runs; yield the URL."""
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(serve_http(server, port=0, on_ready=url.set_result))
        try:
            yield await url
        finally:
            serving.cancel()


async def _no_cards(principal: Principal, numbers: Sequence[int]) -> tuple[CardSheet, ...]:
    return ()


async def _no_link(job_id: int, kind: FileKind, principal: Principal) -> SignedLink:
    raise Refused("Nothing is rendered here.")


def _listed(name: str) -> Tool:
    async def stands_in(ctx: ToolContext) -> Any:
        raise AssertionError(f"{name} is called by the SDK, not by the guard")

    return Tool(run=stands_in, title=name, scope="read", timeout_s=60)
