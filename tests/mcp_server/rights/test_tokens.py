"""Whose token opens what: audience, scope, read-only servers, and what strangers are told."""

import json
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from mcp.shared.exceptions import MCPError

from bookai.errors import Refused
from bookai.toolbox import Toolbox, open_toolbox
from mcp_server.auth import Principal
from mcp_server.rights.access import Access
from tests.mcp_server.doubles import ALICE, PRINCIPALS, Nothing, Said, Studio, Token
from tests.mcp_server.test_http import post

PUBLIC = Access(resource="https://studio.example.org/mcp", hosts=("studio.example.org",))
ELSEWHERE = ("https://studio.example.org/mcp", "http://127.0.0.1:8932/mcp", "http://127.0.0.1:8931")
READ = Principal("operator:alice", frozenset({"read", "operate", "approve", "admin"}))


@pytest.mark.parametrize("made_for", ELSEWHERE)
async def test_a_token_for_another_address_opens_nothing(studio: Studio, made_for: str) -> None:
    """Point 17: the audience of a token is checked, whoever made it."""
    studio.tokens["astray"] = Token("alice", ALICE.scopes, None, made_for)
    async with studio.served() as url:
        answer = await post(url, {"authorization": "Bearer astray"})

    assert answer.status_code == 401
    assert "made for http://127.0.0.1:8931/mcp" in answer.json()["error"]["message"]
    assert studio.desk.decided == []


async def test_a_token_from_before_addresses_opens_loopback_and_no_public_door() -> None:
    """Point 17: a token without an audience is for this machine's own doors."""
    codes = []
    for access in (Access(), Access("http://127.0.0.1:9000/mcp"), PUBLIC):
        studio = Studio(access=access)
        studio.tokens["old"] = Token("alice", ALICE.scopes, None, None)
        async with studio.served() as url:
            codes.append((await post(url, {"authorization": "Bearer old"})).status_code)

    assert codes == [200, 200, 401]


async def test_expiry_and_revocation_count_from_the_next_call_on(studio: Studio) -> None:
    """Point 17: expiry is honoured and a revocation is in force with the next call."""
    valid = {"authorization": "Bearer of-operator"}
    codes = []
    async with studio.served() as url:
        codes.append((await post(url, valid)).status_code)
        past = datetime.now(UTC) - timedelta(seconds=2)
        kept, studio.tokens["of-operator"] = (
            studio.tokens["of-operator"],
            Token("alice", ALICE.scopes, past),
        )
        codes.append((await post(url, valid)).status_code)
        studio.tokens["of-operator"] = kept
        codes.append((await post(url, valid)).status_code)
        del studio.tokens["of-operator"]
        codes.append((await post(url, valid)).status_code)

    assert codes == [200, 401, 200, 401]


@pytest.mark.parametrize("path", ["/.well-known/oauth-protected-resource", "/mcp"])
async def test_strangers_are_told_which_tokens_open_it(studio: Studio, path: str) -> None:
    """Point 17: 401 points to a document that names the resource and its scopes (RFC 9728)."""
    path = path if path != "/mcp" else "/.well-known/oauth-protected-resource/mcp"
    async with studio.served() as url, httpx2.AsyncClient() as http:
        answer = await http.get(url.removesuffix("/mcp") + path)
        posted = await http.post(url.removesuffix("/mcp") + path)

    assert answer.status_code == 200
    assert answer.json() == {
        "resource": "http://127.0.0.1:8931/mcp",
        "resource_name": "BookAI Studio",
        "scopes_supported": [
            f"studio:{scope}" for scope in ("admin", "agent", "approve", "operate", "read")
        ],
        "bearer_methods_supported": ["header"],
    }
    assert posted.status_code == 405


@pytest.mark.parametrize("who", ["agent", "operator"])
async def test_lists_are_by_right_and_calls_are_checked_again(studio: Studio, who: str) -> None:
    """Point 18: tools/list is filtered by scope and every call is checked once more."""
    principal = PRINCIPALS[who]
    async with studio.connected("http", "auto", who) as client:
        listed = {tool.name for tool in (await client.list_tools()).tools}
        hidden = set(studio.tools) - listed
        for name in hidden:
            with pytest.raises(Refused, match="needs the right"):
                await Toolbox(client).call(name, Nothing)

    assert hidden == {n for n, tool in studio.tools.items() if not principal.may(tool.scope)}
    assert hidden


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_read_only_server_has_nothing_that_changes_anything(
    studio: Studio, mode: str
) -> None:
    """Point 18: read-only is a hard filter, which no right of a caller gets past."""
    studio.access = Access(read_only=True)
    reading = {name for name, tool in studio.tools.items() if tool.read_only}
    studio.tokens["of-operator"] = Token("alice", READ.scopes)
    async with studio.connected("http", mode, "operator") as client:
        listed = {tool.name for tool in (await client.list_tools()).tools}
        with pytest.raises(MCPError) as caught:
            await client.call_tool("make_video", {"source": "a.md"})
        said = await Toolbox(client).call("echo", Said, text="still here")

    assert listed == reading
    assert caught.value.code == -32602
    assert said.text == "still here"
    assert studio.desk.created == []


async def test_the_older_names_of_rights_are_none_on_the_wire(studio: Studio) -> None:
    async with studio.served() as url:
        answer = await post(url, {"authorization": "Bearer of-reader"})

    assert 'scope="studio:approve"' in answer.headers["www-authenticate"]
    assert json.loads(answer.text)["error"]["data"] == {"bookai/error": "refused"}


async def test_a_toolbox_needs_only_the_token_that_was_made_for_its_server() -> None:
    studio = Studio(access=Access("http://127.0.0.1:9000/mcp"))
    studio.tokens["mine"] = Token("alice", ALICE.scopes, None, "http://127.0.0.1:9000/mcp")

    async with studio.served() as url, open_toolbox(url, "mine") as toolbox:
        said = await toolbox.call("echo", Said, text="in")

    assert said.by == "operator:alice"
