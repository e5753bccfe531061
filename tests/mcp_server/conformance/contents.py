"""Props: tools that answer with every kind of content, with progress, with an error."""

import asyncio
import base64
from collections.abc import Collection
from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import (
    AudioContent,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
)
from pydantic import Field

from mcp_server.legacy import say

PNG = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154"
        "78da63f8cfc000000301010018dd8db00000000049454e44ae426082"
    )
).decode()
WAV = base64.b64encode(
    b"RIFF\x26\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00"
    b"\x02\x00\x10\x00data\x02\x00\x00\x00\x00\x00"
).decode()
PAUSE_S = 0.05
SCHEMA_2020 = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


def text(said: str) -> TextContent:
    return TextContent(type="text", text=said)


def answer(*blocks: ContentBlock) -> CallToolResult:
    return CallToolResult(content=list(blocks))


def picture() -> ImageContent:
    return ImageContent(type="image", data=PNG, mime_type="image/png")


def embedded(uri: str, mime_type: str, said: str) -> EmbeddedResource:
    contents = TextResourceContents(uri=uri, mime_type=mime_type, text=said)
    return EmbeddedResource(type="resource", resource=contents)


def pause() -> Any:
    """Return what ends after a moment, as the suite asks for between two messages."""
    return asyncio.wait({asyncio.get_running_loop().create_future()}, timeout=PAUSE_S)


def add_contents(server: MCPServer[Any]) -> Collection[str]:
    """Add tools that answer with all kinds of content; return their names."""

    @server.tool(description="Answer with a text.")
    async def test_simple_text() -> CallToolResult:
        return answer(text("This is a simple text response for testing."))

    @server.tool(description="Answer with a picture.")
    async def test_image_content() -> CallToolResult:
        return answer(picture())

    @server.tool(description="Answer with a sound.")
    async def test_audio_content() -> CallToolResult:
        return answer(AudioContent(type="audio", data=WAV, mime_type="audio/wav"))

    @server.tool(description="Answer with a resource.")
    async def test_embedded_resource() -> CallToolResult:
        said = "This is an embedded resource content."
        return answer(embedded("test://embedded-resource", "text/plain", said))

    @server.tool(description="Answer with three kinds of content.")
    async def test_multiple_content_types() -> CallToolResult:
        data = embedded(
            "test://mixed-content-resource", "application/json", '{"test":"data","value":123}'
        )
        return answer(text("Multiple content types test:"), picture(), data)

    @server.tool(description="End in an error.")
    async def test_error_handling() -> CallToolResult:
        raise ToolError("This tool intentionally returns an error for testing")

    return (
        *("test_simple_text", "test_image_content", "test_audio_content"),
        *("test_embedded_resource", "test_multiple_content_types", "test_error_handling"),
    )


def add_signals(server: MCPServer[Any]) -> Collection[str]:
    """Add tools that say something besides their answer; return their names."""

    @server.tool(description="Say how far it is, and answer.")
    async def test_tool_with_progress(ctx: Context[Any, Any]) -> CallToolResult:
        for done in (0, 50, 100):
            await ctx.report_progress(done, 100, f"{done} of 100")
            await pause()
        return answer(text("done"))

    @server.tool(description="Say what it does, and answer.")
    async def test_tool_with_logging(ctx: Context[Any, Any]) -> CallToolResult:
        return await _saying(ctx)

    @server.tool(description="Say what it does, to those who asked to hear.")
    async def test_logging_tool(ctx: Context[Any, Any]) -> CallToolResult:
        return await _saying(ctx)

    @server.tool(description="Tell listeners that the list of tools changed.")
    async def test_trigger_tool_change(ctx: Context[Any, Any]) -> CallToolResult:
        await ctx.notify_tools_changed()
        return answer(text("told"))

    @server.tool(description="Tell listeners that the list of prompts changed.")
    async def test_trigger_prompt_change(ctx: Context[Any, Any]) -> CallToolResult:
        await ctx.notify_prompts_changed()
        return answer(text("told"))

    return (
        *("test_tool_with_progress", "test_tool_with_logging", "test_logging_tool"),
        *("test_trigger_tool_change", "test_trigger_prompt_change"),
    )


def add_schemas(server: MCPServer[Any]) -> Collection[str]:
    """Add tools whose arguments are more than plain; return their names."""

    @server.tool(description="Take arguments of a rich schema.")
    async def json_schema_2020_12_tool() -> CallToolResult:
        return answer(text("taken"))

    @server.tool(description="Take an argument that also travels as a header.")
    async def test_custom_headers(
        channel: Annotated[
            str, Field(description="A channel.", json_schema_extra={"x-mcp-header": "Channel"})
        ],
    ) -> CallToolResult:
        return answer(text(channel))

    # The SDK builds schemas from signatures, which cannot say this much.
    found = server._tool_manager.get_tool("json_schema_2020_12_tool")
    assert found is not None
    found.parameters = SCHEMA_2020
    return ("json_schema_2020_12_tool", "test_custom_headers")


async def _saying(ctx: Context[Any, Any]) -> CallToolResult:
    for said in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await say(ctx, said)
        await pause()
    return answer(text("done"))
