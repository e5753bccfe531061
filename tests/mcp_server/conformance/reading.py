"""Props: resources to read and watch, and prompts with every kind of content."""

import base64
import json
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.types import (
    ContentBlock,
    ElicitResult,
    InputRequiredResult,
)

from tests.mcp_server.conformance.asking import form
from tests.mcp_server.conformance.contents import PNG, embedded, picture, text


def add(server: MCPServer[Any]) -> None:
    """Add resources, a template and prompts."""
    _add_resources(server)
    _add_prompts(server)

    @server.prompt(description="Ask for something first.")
    async def test_input_required_result_prompt(
        ctx: Context[Any, Any],
    ) -> str | InputRequiredResult:
        given = (ctx.input_responses or {}).get("user_context")
        if not isinstance(given, ElicitResult):
            asked = form("What context should the prompt use?", {"context": {"type": "string"}})
            return InputRequiredResult(input_requests={"user_context": asked})
        return f"The context is {given.content}."


def _add_resources(server: MCPServer[Any]) -> None:
    @server.resource("test://static-text", description="A text.", mime_type="text/plain")
    def static_text() -> str:
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", description="A picture.", mime_type="image/png")
    def static_binary() -> bytes:
        return base64.b64decode(PNG)

    @server.resource("test://watched-resource", description="Watched.", mime_type="text/plain")
    def watched_resource() -> str:
        return "Watch me."

    @server.resource(
        "test://template/{id}/data", description="By number.", mime_type="application/json"
    )
    def of_template(id: str) -> str:
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def _add_prompts(server: MCPServer[Any]) -> None:
    @server.prompt(description="A simple prompt.")
    def test_simple_prompt() -> str:
        return "This is a simple prompt for testing."

    @server.prompt(description="A prompt with arguments.")
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt(description="A prompt with a resource.")
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[ContentBlock]:
        given = embedded(resourceUri, "text/plain", "Embedded resource content for testing.")
        return [given, text("Please process the embedded resource above.")]

    @server.prompt(description="A prompt with a picture.")
    def test_prompt_with_image() -> list[ContentBlock]:
        return [picture(), text("Please analyze the image above.")]
