"""Channels over MCP: read by whoever may read, changed by whoever administers, never loosened."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import ResourceTemplateReference, TextContent, TextResourceContents

from bookai.db import audit
from bookai.settings import Settings
from tests.studio.web.conftest import House, served

FILE = "[channels.news]\nseconds = 30\ncredentials = 'file:/srv/secret'\n[channels.owls]\n"


@pytest.fixture
async def house(settings: Settings) -> AsyncIterator[House]:
    settings.home.mkdir()
    (settings.home / "studio.toml").write_text(FILE)
    async with served(settings) as opened:
        yield opened


async def test_channels_are_read_and_changed_as_far_as_a_client_may(house: House) -> None:
    async def read(uri: str) -> Any:
        [contents] = (await client.read_resource(uri)).contents
        assert isinstance(contents, TextResourceContents)
        return json.loads(contents.text)

    async def change(changes: str, **more: Any) -> tuple[bool, str]:
        arguments = {"channel": "news", "changes": changes, **more}
        result = await client.call_tool("set_channel", arguments)
        [content] = [one for one in result.content if isinstance(one, TextContent)]
        return bool(result.is_error), content.text

    bearer = {"Authorization": f"Bearer {await house.token('anna', 'read', 'admin')}"}
    async with (
        httpx2.AsyncClient(headers=bearer) as http,
        Client(streamable_http_client(f"{house.url}/mcp", http_client=http)) as client,
    ):
        before = await read("studio://channels")
        done = await change('seconds = 40\ncadence.times = ["09:30"]', clear="brand")
        loosened = await change("approvals_needed = 1")
        wrong = await change("seconds = 400")
        after = await read("channel://news")
        with pytest.raises(MCPError, match="there is no channel 'nobody'"):
            await read("channel://nobody")
        named = await client.complete(
            ResourceTemplateReference(type="ref/resource", uri="channel://{channel}"),
            {"name": "channel", "value": "o"},
        )

    assert [one["name"] for one in before["channels"]] == ["news", "owls"]
    assert done[0] is False
    assert (after["passport"]["seconds"], after["channel"]["cadence"]) == (40.0, "09:30 daily")
    assert after["passport"]["credentials"] == "file"
    assert "/srv" not in json.dumps([before, after])
    assert loosened[0]
    assert "said on the studio's own machine" in loosened[1]
    assert wrong[0]
    assert "channels.news.seconds: 400 is not right" in wrong[1]
    assert named.completion.values == ["owls"]
    [row] = await audit.search(house.office.database.pool, kind="channel.changed", limit=9)
    assert row.actor == "operator:anna"


async def test_without_the_right_to_administer_there_is_no_such_tool(house: House) -> None:
    bearer = {"Authorization": f"Bearer {await house.token('bob', 'read', 'operate', 'approve')}"}
    async with (
        httpx2.AsyncClient(headers=bearer) as http,
        Client(streamable_http_client(f"{house.url}/mcp", http_client=http)) as client,
    ):
        listed = {tool.name for tool in (await client.list_tools()).tools}
        arguments = {"channel": "news", "changes": "seconds = 40"}
        with pytest.raises(MCPError, match="needs the right 'admin'"):
            await client.call_tool("set_channel", arguments)

    assert "set_channel" not in listed
    assert house.office.channels.channel("news").seconds == 30
