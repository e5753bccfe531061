from typing import Any

import pytest
from mcp.client import Client
from mcp.server.mcpserver import Context, MCPServer
from mcp.types import CallToolResult, TextContent

from bookai.errors import NotYet, OperatorNeeded, Refused, ToolFailed, TryLater
from bookai.models import Record, Span
from bookai.toolbox import Toolbox, open_toolbox


class Heard(Record):
    arguments: str
    meta: dict[str, Any]


def server() -> MCPServer:
    """A server that is not ours: what it says about errors is data like any other."""
    mcp = MCPServer("parrot", log_level="CRITICAL")

    @mcp.tool(structured_output=True)
    async def hear(ctx: Context, span: dict[str, Any]) -> Heard:
        told = dict(ctx.request_context.meta or {})
        return Heard(
            arguments=str(span), meta={k: v for k, v in told.items() if k.startswith("bookai/")}
        )

    @mcp.tool()
    async def end(meta: dict[str, Any]) -> CallToolResult:
        return CallToolResult(
            content=[TextContent(type="text", text="no")], is_error=True, _meta=meta
        )

    return mcp


async def test_records_travel_as_plain_data_and_the_agent_is_named() -> None:
    async with Client(server()) as client:
        toolbox = Toolbox(client).acting("writer", 7)
        heard = await toolbox.call("hear", Heard, span=Span(start=1, end=2))

    assert heard == Heard(
        arguments="{'start': 1, 'end': 2}", meta={"bookai/agent": "writer", "bookai/job": 7}
    )


async def test_a_toolbox_that_acts_for_nobody_says_nothing_about_it() -> None:
    async with Client(server()) as client:
        heard = await Toolbox(client).call("hear", Heard, span=Span(start=1, end=2))

    assert heard.meta == {}


@pytest.mark.parametrize(
    ("meta", "kind"),
    [
        ({"bookai/error": "refused"}, Refused),
        ({"bookai/error": "try_later", "bookai/after_s": 3}, TryLater),
        ({"bookai/error": "try_later", "bookai/after_s": "soon"}, TryLater),
        ({"bookai/error": "try_later", "bookai/after_s": 3, "bookai/held": True}, NotYet),
        ({"bookai/error": "operator_needed", "bookai/mend": "Do it."}, OperatorNeeded),
        ({"bookai/error": "tool_failed"}, ToolFailed),
        ({"bookai/error": ["refused"]}, ToolFailed),
        ({}, ToolFailed),
    ],
)
async def test_the_class_of_an_error_comes_from_its_label(
    meta: dict[str, Any], kind: type[Exception]
) -> None:
    async with Client(server()) as client:
        with pytest.raises(kind, match="no"):
            await Toolbox(client).call("end", Heard, meta=meta)


async def test_an_answer_of_another_shape_is_a_tool_that_failed() -> None:
    async with Client(server()) as client:
        with pytest.raises(ToolFailed, match="hear answered something that is no Span"):
            await Toolbox(client).call("hear", Span, span=Span(start=1, end=2))


async def test_a_tool_that_is_not_there_is_a_tool_that_failed() -> None:
    async with Client(server()) as client:
        with pytest.raises(ToolFailed, match="Unknown tool"):
            await Toolbox(client).call("fly", Heard)


async def test_a_server_in_this_process_is_opened_the_same_way() -> None:
    async with open_toolbox(server()) as toolbox:
        heard = await toolbox.call("hear", Heard, span=Span(start=1, end=2))

    assert heard.arguments == "{'start': 1, 'end': 2}"


async def test_what_the_body_raises_comes_out_as_itself() -> None:
    with pytest.raises(Refused, match="three words"):
        async with open_toolbox(server()):
            raise Refused("three words")
