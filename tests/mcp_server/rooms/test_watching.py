"""Who watches a resource hears that it changed, in both eras, and only what he may read."""

import asyncio
import warnings
from contextlib import AsyncExitStack
from typing import Any

import pytest
from mcp.client import Client
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError
from mcp.shared.subscriptions import ResourceUpdated
from mcp.types import ResourceUpdatedNotification

from bookai.models import Change
from mcp_server.auth import Principal
from mcp_server.rooms import Readers
from mcp_server.rooms.news import touched
from mcp_server.rooms.rights import STREAMS_MOST
from mcp_server.server import serve_http
from tests.mcp_server.doubles import ALICE, Studio

SOON_S = 2.0
NOBODY = Principal("token:nobody", frozenset())
JOB = Change(what="job", number=1, job_id=1)


@pytest.mark.parametrize(
    ("change", "uris"),
    [
        (JOB, {"job://1", "studio://jobs", "studio://status"}),
        (
            JOB.model_copy(update={"content": True}),
            {
                *("job://1", "script://1", "thumbnail://1", "video://1"),
                *("studio://jobs", "studio://status"),
            },
        ),
        (
            Change(what="approval", number=3, job_id=1),
            {"job://1", "approval://3", "studio://approvals", "studio://status"},
        ),
        (
            Change(what="post", number=7, job_id=1),
            {"job://1", "studio://publications", "studio://status"},
        ),
    ],
)
def test_a_change_touches_what_shows_it(change: Change, uris: set[str]) -> None:
    assert set(touched(change)) == uris


@pytest.mark.parametrize("way", ["memory", "http"])
async def test_a_listener_hears_of_what_it_asked_for_and_of_nothing_else(
    studio: Studio, way: str
) -> None:
    async with AsyncExitStack() as stack:
        client = await _client(studio, stack, way)
        watching = await stack.enter_async_context(
            client.listen(resource_subscriptions=["job://1", "studio://approvals"])
        )
        studio.wire.tell(Change(what="job", number=2, job_id=2))
        studio.wire.tell(JOB)
        async with asyncio.timeout(SOON_S):
            first = await anext(watching)
        studio.wire.tell(Change(what="approval", number=9, job_id=8))
        async with asyncio.timeout(SOON_S):
            second = await anext(watching)

    assert first == ResourceUpdated("job://1")
    assert second == ResourceUpdated("studio://approvals")
    assert studio.wire.ears == []


async def _client(studio: Studio, stack: AsyncExitStack, way: str) -> Client:
    if way == "http":
        url = await stack.enter_async_context(studio.served())
        client = await studio.over_http(stack, url, "of-operator", "auto")
    else:
        client = Client(studio.server(ALICE))
    return await stack.enter_async_context(client)


@pytest.mark.parametrize("way", ["memory", "http"])
async def test_an_older_client_subscribes_hears_and_unsubscribes(studio: Studio, way: str) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def hear(message: Any) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            await heard.put(str(message.params.uri))

    async with AsyncExitStack() as stack:
        if way == "http":
            url = await stack.enter_async_context(studio.served())
            client = await studio.over_http(stack, url, "of-operator", "legacy", hear)
        else:
            client = Client(studio.server(ALICE), mode="legacy", message_handler=hear)
        await stack.enter_async_context(client)
        offered = client.server_capabilities.resources
        assert offered is not None
        assert offered.subscribe
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MCPDeprecationWarning)
            await client.subscribe_resource("job://1")
            await client.subscribe_resource("studio://jobs")
            async with asyncio.timeout(SOON_S):
                while not heard.qsize():
                    studio.wire.tell(JOB)
                    await asyncio.sleep(0)
                first = await heard.get()
            await client.unsubscribe_resource("job://1")
        while not heard.empty():
            heard.get_nowait()
        studio.wire.tell(JOB)
        async with asyncio.timeout(SOON_S):
            after = await heard.get()

    assert first == "job://1"
    assert after == "studio://jobs"
    assert studio.wire.ears == []


@pytest.mark.parametrize(
    ("who", "uri", "code"),
    [
        (ALICE, "book://1", -32602),
        (ALICE, "job://{job_id}", -32602),
        (ALICE, "job://01", -32602),
        (NOBODY, "job://1", -32010),
        (NOBODY, "studio://approvals", -32010),
    ],
)
async def test_what_may_not_be_read_cannot_be_watched(
    studio: Studio, who: Principal, uri: str, code: int
) -> None:
    """Point 26: an unauthorized or unknown address is refused before the stream opens."""
    codes = []
    async with Client(studio.server(who)) as client:
        with pytest.raises(MCPError) as caught:
            async with client.listen(resource_subscriptions=["studio://status", uri]):
                pass
        codes.append(caught.value.code)
    async with Client(studio.server(who), mode="legacy") as client:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MCPDeprecationWarning)
            with pytest.raises(MCPError) as caught:
                await client.subscribe_resource(uri)
        codes.append(caught.value.code)

    assert set(codes) <= {code, -32010}
    assert codes[1] == code
    assert studio.wire.ears == []


async def test_nobody_watches_more_than_a_hundred_addresses(studio: Studio) -> None:
    many = [f"job://{n}" for n in range(1, 102)]

    async with Client(studio.server(ALICE)) as client:
        with pytest.raises(MCPError, match="Watch studio://jobs"):
            async with client.listen(resource_subscriptions=many):
                pass


async def test_a_stream_ends_in_order_so_that_a_revoked_token_hears_no_more(
    studio: Studio,
) -> None:
    server = studio.server(ALICE)
    [place] = [n for n, one in enumerate(server.middleware) if isinstance(one, Readers)]
    server.middleware[place] = Readers(server.guard.who, server, stream_s=0.05)

    async with Client(server) as client:
        async with asyncio.timeout(SOON_S):
            async with client.listen(resource_subscriptions=["job://1"]) as watching:
                heard = [event async for event in watching]

    assert heard == []
    assert studio.wire.ears == []


async def test_a_server_that_stops_ends_its_streams_in_order_and_at_once(studio: Studio) -> None:
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group, AsyncExitStack() as stack:
        serving = group.create_task(
            serve_http(studio.server(None), port=0, stop=stop, on_ready=url.set_result)
        )
        client = await studio.over_http(stack, await url, "of-operator", "auto")
        await stack.enter_async_context(client)
        watching = await stack.enter_async_context(
            client.listen(resource_subscriptions=["job://1"])
        )
        stop.set()
        async with asyncio.timeout(SOON_S):
            heard = [event async for event in watching]
            await serving

    assert heard == []


async def test_one_principal_holds_so_many_streams_and_no_more(studio: Studio) -> None:
    async with Client(studio.server(ALICE)) as client:
        async with AsyncExitStack() as stack:
            for _ in range(STREAMS_MOST):
                await stack.enter_async_context(client.listen(resource_subscriptions=["job://1"]))
            with pytest.raises(MCPError, match="close one first"):
                async with client.listen(resource_subscriptions=["job://1"]):
                    pass
        async with asyncio.timeout(SOON_S):
            await studio.wire.quiet.wait()
        async with client.listen(resource_subscriptions=["job://1"]):
            assert len(studio.wire.ears) == 1


async def test_what_another_package_offers_can_be_watched_too(studio: Studio) -> None:
    server = studio.server(ALICE)

    @server.resource("test://{name}/state")
    async def state(name: str, ctx: Context[Any, Any]) -> str:
        await ctx.notify_resource_updated(f"test://{name}/state")
        return name

    async with (
        Client(server) as client,
        client.listen(resource_subscriptions=["test://a/state"]) as watching,
    ):
        await client.read_resource("test://a/state")
        async with asyncio.timeout(SOON_S):
            heard = await anext(watching)

    assert heard == ResourceUpdated("test://a/state")
