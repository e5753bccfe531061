import json
from importlib.metadata import version
from typing import Any

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from mcp_server.auth import AGENTS, Principal, operator_here, principal_of
from mcp_server.server import build_server, load_tools
from tests.mcp_server.doubles import ALICE, Studio, Token

MODES = ("auto", "legacy")


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
    ("principal", "limit_kib"), [(ALICE, 25), (AGENTS, 25)], ids=["operator", "agents"]
)
async def test_a_callers_list_of_tools_fits_a_models_attention(
    studio: Studio, principal: Principal, limit_kib: int
) -> None:
    """Point 4."""
    tools = await listed(studio, principal)

    size_bytes = len(json.dumps({"tools": tools}, separators=(",", ":")).encode())
    assert 0 < len(tools) <= 25
    assert size_bytes <= limit_kib * 1024


async def test_every_tool_is_complete_on_the_wire(studio: Studio) -> None:
    """Point 6."""
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
