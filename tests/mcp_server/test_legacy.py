"""What clients of the older era have, and those of the newer one do not."""

import asyncio
from contextlib import AsyncExitStack

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import (
    EmptyResult,
    LoggingLevel,
    LoggingMessageNotificationParams,
    SetLevelRequest,
    SetLevelRequestParams,
)

from tests.mcp_server.doubles import ALICE, Studio

LIMIT_S = 5.0


class Listener:
    """Takes what a server says while its client waits."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.rung = asyncio.Event()

    async def hear(self, params: LoggingMessageNotificationParams) -> None:
        self.heard.append(f"{params.level} {params.logger}: {params.data}")
        self.rung.set()


async def set_level(client: Client, level: LoggingLevel) -> None:
    # The client's own method warns that the newer era has none.
    asked = SetLevelRequest(params=SetLevelRequestParams(level=level))
    await client.session.send_request(asked, EmptyResult)


async def unheard(progress: float, total: float | None, message: str | None) -> None:
    """Take progress, and do nothing with it."""


@pytest.mark.parametrize("way", ["memory", "http"])
async def test_who_set_a_level_hears_what_a_call_is_at(studio: Studio, way: str) -> None:
    listener = Listener()
    async with AsyncExitStack() as stack:
        if way == "memory":
            target = studio.server(ALICE)
            client = Client(target, mode="legacy", logging_callback=listener.hear)
        else:
            url = await stack.enter_async_context(studio.served())
            bearer = {"Authorization": "Bearer of-operator"}
            http = await stack.enter_async_context(httpx2.AsyncClient(headers=bearer))
            transport = streamable_http_client(url, http_client=http)
            client = Client(transport, mode="legacy", logging_callback=listener.hear)
        await stack.enter_async_context(client)
        await set_level(client, "info")
        await client.call_tool("echo", {"text": "x", "times": 2})
        async with asyncio.timeout(LIMIT_S):
            await listener.rung.wait()

    assert listener.heard == ["info bookai: said 1", "info bookai: said 2"]


async def test_nobody_is_told_who_did_not_ask_or_asked_for_less_or_hears_progress(
    studio: Studio,
) -> None:
    listener = Listener()
    async with Client(
        studio.server(ALICE), mode="legacy", logging_callback=listener.hear
    ) as client:
        await client.call_tool("echo", {"text": "x"})
        await set_level(client, "warning")
        await client.call_tool("echo", {"text": "x"})
        await set_level(client, "debug")
        await client.call_tool("echo", {"text": "x"}, progress_callback=unheard)

    assert listener.heard == []


async def test_methods_of_the_older_era_are_unknown_in_the_newer_one(studio: Studio) -> None:
    """Point 8: whatever it names, a method that is not there is not found."""
    answers = {}
    async with studio.served() as url, httpx2.AsyncClient() as http:
        for method, params in (
            ("resources/subscribe", {"uri": "job://1"}),
            ("resources/subscribe", {"uri": "no://such"}),
            ("logging/setLevel", {"level": "info"}),
        ):
            meta = {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            }
            answer = await http.post(
                url,
                headers={
                    "accept": "application/json, text/event-stream",
                    "authorization": "Bearer of-operator",
                    "mcp-protocol-version": "2026-07-28",
                    "mcp-method": method,
                },
                json={
                    "jsonrpc": "2.0",
                    "id": 1,
                    "method": method,
                    "params": params | {"_meta": meta},
                },
            )
            code = answer.json()["error"]["code"]
            answers[(method, *params.values())] = (answer.status_code, code)

    assert set(answers.values()) == {(404, -32601)}
