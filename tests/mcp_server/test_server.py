import json
from importlib.metadata import version
from typing import Any

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp.types import TextContent, TextResourceContents

from mcp_server.auth import AGENTS, Principal, operator_here, principal_of
from mcp_server.server import build_server, load_tools
from tests.mcp_server.doubles import ALICE, Studio, Token
from tools.base import JobDetail

MODES = ("auto", "legacy")
NOBODY = Principal("token:nobody", frozenset())


async def listed(studio: Studio, principal: Principal) -> list[dict[str, Any]]:
    """List the studio's real tools as they cross the wire."""
    server = build_server(
        load_tools().values(),
        make_context=studio.context,
        audit=studio.audit,
        principal=principal,
    )
    async with Client(server) as client:
        answer = await client.list_tools()
    tools = answer.model_dump(mode="json", by_alias=True, exclude_none=True)["tools"]
    assert isinstance(tools, list)
    return tools


@pytest.mark.parametrize(
    ("principal", "limit_kib"),
    # The agents' tools are called by code, which reads the schemas only to check answers.
    [(ALICE, 25), (AGENTS, 40)],
    ids=["operator", "agents"],
)
async def test_a_callers_list_of_tools_fits_a_models_attention(
    studio: Studio, principal: Principal, limit_kib: int
) -> None:
    tools = await listed(studio, principal)

    size_bytes = len(json.dumps({"tools": tools}, separators=(",", ":")).encode())
    assert 0 < len(tools) <= 25
    assert size_bytes <= limit_kib * 1024


async def test_every_tool_is_complete_on_the_wire(studio: Studio) -> None:
    everything = Principal("operator:test", frozenset({"read", "operate", "approve"}))
    tools = await listed(studio, everything) + await listed(studio, AGENTS)

    for tool in tools:
        hints = set(tool["annotations"])
        assert {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"} <= hints
        assert tool["title"]
        assert tool["inputSchema"]["additionalProperties"] is False
        assert tool["outputSchema"]["type"] == "object"
        assert not tool["description"].startswith(" ")
    descriptions = {tool["name"]: tool["description"] for tool in tools}
    assert len(set(descriptions.values())) == len(descriptions)


@pytest.mark.parametrize("mode", MODES)
async def test_the_server_says_who_it_is_in_both_eras(studio: Studio, mode: str) -> None:
    async with Client(studio.server(ALICE), mode=mode) as client:
        info, instructions = client.server_info, client.instructions

    assert info is not None
    assert (info.name, info.title) == ("bookai-studio", "BookAI Studio")
    assert info.version == version("bookai-studio")
    assert instructions is not None
    assert "get_status" in instructions


@pytest.mark.parametrize("mode", MODES)
async def test_a_job_can_be_read_as_a_resource(studio: Studio, mode: str) -> None:
    async with Client(studio.server(ALICE), mode=mode) as client:
        [template] = (await client.list_resource_templates()).resource_templates
        [contents] = (await client.read_resource("job://1")).contents

    assert template.uri_template == "job://{job_id}"
    assert isinstance(contents, TextResourceContents)
    assert JobDetail.model_validate_json(contents.text).job.job_id == 1


@pytest.mark.parametrize("uri", ["job://2", "job://one", "job://99999999999999999999", "book://1"])
@pytest.mark.parametrize("mode", MODES)
async def test_a_job_that_is_not_there_is_the_callers_mistake(
    studio: Studio, mode: str, uri: str
) -> None:
    async with Client(studio.server(ALICE), mode=mode) as client:
        with pytest.raises(MCPError) as caught:
            await client.read_resource(uri)

    assert caught.value.code == -32602


async def test_who_may_not_read_cannot_read_a_job_as_a_resource(studio: Studio) -> None:
    async with Client(studio.server(NOBODY)) as client:
        tools = (await client.list_tools()).tools
        with pytest.raises(MCPError, match="the right 'read'"):
            await client.read_resource("job://1")

    assert tools == []


@pytest.mark.parametrize("mode", MODES)
async def test_the_briefing_is_offered_and_other_prompts_are_unknown(
    studio: Studio, mode: str
) -> None:
    async with Client(studio.server(ALICE), mode=mode) as client:
        [offered] = (await client.list_prompts()).prompts
        briefing = await client.get_prompt(offered.name)
        with pytest.raises(MCPError) as caught:
            await client.get_prompt("weekly_briefing")

    [message] = briefing.messages
    assert isinstance(message.content, TextContent)
    assert "Call get_status" in message.content.text
    assert caught.value.code == -32602


async def test_a_cursor_that_nobody_gave_is_refused(studio: Studio) -> None:
    async with Client(studio.server(ALICE)) as client:
        with pytest.raises(MCPError) as caught:
            await client.list_tools(cursor="page-2")

    assert caught.value.code == -32602


@pytest.mark.parametrize(
    ("scopes", "name"),
    [
        ({"read"}, "token:t"),
        ({"read", "operate"}, "operator:t"),
        ({"approve"}, "operator:t"),
        ({"read", "agent"}, "agent:t"),
        ({"agent", "approve"}, "agent:t"),
        ({"everything"}, "token:t"),
    ],
)
def test_a_token_is_a_principal_by_its_rights(scopes: set[str], name: str) -> None:
    principal = principal_of(Token("t", frozenset(scopes)))

    assert principal.name == name
    assert principal.may("approve") == (scopes == {"approve"})
    assert "everything" not in principal.scopes


def test_the_operator_here_approves_only_where_it_is_said() -> None:
    assert not operator_here("operator:alice").may("approve")
    assert operator_here("operator:alice", approves=True).may("approve")
    with pytest.raises(ValueError, match="starts with 'operator:'"):
        operator_here("alice")
