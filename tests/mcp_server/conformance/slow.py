"""Props: what becomes a task, and how it ends; half of them the studio's own kind of tool."""

import asyncio
from collections.abc import Collection
from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    CallToolResult,
    ElicitResult,
    InputRequests,
    InputRequiredResult,
)
from pydantic import Field

from bookai.errors import Refused
from bookai.models import Record
from tests.mcp_server.conformance.asking import NAME, form
from tests.mcp_server.conformance.contents import answer, text
from tools.base import Tool, ToolContext

ALWAYS = frozenset({"failing_job", "test_tool_with_task"})
"""Tools whose every call becomes a task, and which need a client that knows tasks."""

LONGER_THAN_A_CALL_S = 0.4


class Said(Record):
    text: str


async def slow_compute(
    ctx: ToolContext,
    seconds: Annotated[float, Field(ge=0, le=120, description="How long it takes.")],
    label: Annotated[str, Field(max_length=100, description="What for.")] = "",
) -> Said:
    """Compute for a while."""
    steps = 4
    for step in range(steps):
        await ctx.progress(step / steps, f"step {step + 1} of {steps}")
        await _pass(seconds / steps)
    return Said(text=f"done {label}")


async def failing_job(ctx: ToolContext) -> Said:
    """Fail after a second."""
    await _pass(1.0)
    raise Refused("The job failed, as it always does.")


TOOLS = tuple(
    Tool(run=run, title=run.__name__, scope="read", timeout_s=200, read_only=True)
    for run in (slow_compute, failing_job)
)


def add(server: MCPServer[Any]) -> Collection[str]:
    """Add the tools that ask or break while they are tasks; return their names."""

    @server.tool(description="Greet at once.")
    async def greet(name: str) -> CallToolResult:
        return answer(text(f"Hello, {name}!"))

    @server.tool(description="End in an error of the protocol.")
    async def protocol_error_job() -> CallToolResult:
        await _pass(LONGER_THAN_A_CALL_S)
        raise MCPError(INTERNAL_ERROR, "The wire broke")

    @server.tool(description="Ask before it deletes.")
    async def confirm_delete(ctx: Context[Any, Any], filename: str = "a file") -> Any:
        confirm = form(f"Delete {filename}?", {"confirm": {"type": "boolean"}})
        return await _asks_late(ctx, {"confirm": confirm})

    @server.tool(description="Ask two things at once.")
    async def multi_input(ctx: Context[Any, Any]) -> Any:
        return await _asks_late(ctx, {"first": form("One?", NAME), "second": form("Two?", NAME)})

    @server.tool(description="Ask, then work.")
    async def test_tool_with_task(ctx: Context[Any, Any]) -> Any:
        given = (ctx.input_responses or {}).get("user_name")
        if not isinstance(given, ElicitResult):
            asked: InputRequests = {"user_name": form("What is your name?", NAME)}
            return InputRequiredResult(input_requests=asked, request_state="asked")
        await _pass(LONGER_THAN_A_CALL_S)
        return answer(text(f"Hello, {given.content}!"))

    return ("greet", "protocol_error_job", "confirm_delete", "multi_input", "test_tool_with_task")


async def _asks_late(ctx: Context[Any, Any], asks: InputRequests) -> Any:
    given = ctx.input_responses or {}
    if any(key not in given for key in asks):
        # Long enough that the call is a task by the time it asks.
        await _pass(LONGER_THAN_A_CALL_S)
        return InputRequiredResult(input_requests=asks, request_state="asked")
    return answer(text(f"answered: {', '.join(str(given[key]) for key in asks)}"))


def _pass(seconds: float) -> Any:
    return asyncio.wait({asyncio.get_running_loop().create_future()}, timeout=seconds)
