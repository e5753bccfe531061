"""The test build is the studio's server and the suite's props, also where no suite is installed."""

import pytest
from mcp.client import Client
from mcp.types import ImageContent, TextContent

from tests.mcp_server.conformance.stage import Stage
from tests.mcp_server.doubles import ALICE

REAL = {"make_video", "get_job", "decide_approval", "render_video"}
PROPS = {"test_simple_text", "test_elicitation", "slow_compute", "confirm_delete"}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_test_build_serves_real_tools_and_props_alike(mode: str) -> None:
    async with Client(Stage().server(ALICE), mode=mode) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        told = (await client.call_tool("test_simple_text", {})).content[0]
        job = (await client.call_tool("get_job", {"job_id": 1})).structured_content
        shown = (await client.get_prompt("test_prompt_with_image")).messages[0].content

    assert tools > REAL | PROPS
    assert isinstance(told, TextContent)
    assert told.text == "This is a simple text response for testing."
    assert job is not None
    assert job["job"]["job_id"] == 1
    assert isinstance(shown, ImageContent)
