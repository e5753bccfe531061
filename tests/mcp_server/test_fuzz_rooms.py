"""Resources, prompts and completion, asked for with what nobody would: answers, no crashes."""

import os
import re
from collections.abc import Awaitable
from typing import Any

import pytest
from hypothesis import strategies as st
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    PromptReference,
    ResourceTemplateReference,
)

from mcp_server.auth import Principal
from mcp_server.rooms.addresses import TEMPLATES
from mcp_server.rooms.prompts import RIGHTS
from tests.mcp_server.doubles import SECRET, Studio
from tests.mcp_server.shapes import draw

EACH = int(os.environ.get("BOOKAI_FUZZ", "40"))
"""Examples of each kind; `make fuzz` draws many more."""

EVERYONE = Principal("operator:fuzz", frozenset({"read", "operate", "approve", "admin"}))
NOT_ALLOWED = -32010
LEAKS = re.compile(r"Traceback|File \"|postgres(ql)?://|psycopg|asyncpg|pydantic|/nonexistent")
TOLD = {INVALID_PARAMS, METHOD_NOT_FOUND, NOT_ALLOWED}

TEXT = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "",
            "1",
            "01",
            "-1",
            "1e3",
            "9" * 400,
            str(2**63),
            "../../etc/passwd",
            "%2e%2e%2f",
            "1?x=1#y",
            "'; DROP TABLE video_jobs; --",
            "{0.__class__}",
            "{videos}",
            "\u202e\u0661",
            "x" * 20_000,
        ]
    ),
)
SCHEMES = sorted({room.scheme for room in TEMPLATES} | {"studio", "file", "ui", "http", ""})
URIS = st.one_of(
    st.tuples(st.sampled_from(SCHEMES), TEXT).map("://".join),
    st.tuples(st.sampled_from(SCHEMES), TEXT, TEXT).map(lambda t: f"{t[0]}://{t[1]}/{t[2]}"),
    TEXT,
)
NAMES = st.one_of(st.sampled_from([*RIGHTS, "Daily_Briefing", "__class__"]), TEXT)
ARGUMENTS = st.dictionaries(
    st.one_of(st.sampled_from(["channel", "topic", "videos", "unknown"]), TEXT), TEXT, max_size=4
)


async def told(ask: Awaitable[Any]) -> str:
    """Return what was said, an answer or an error of the protocol that is the caller's own."""
    try:
        return str(await ask)
    except MCPError as error:
        # The SDK's own code for a resource that is not there, in the older era: -32002.
        if error.code not in TOLD | {-32002}:
            pytest.fail(f"{error.code}: {error.message[:300]}")
        return f"{error.message} {error.data}"
    except (UnicodeError, ValueError) as error:
        return type(error).__name__  # the client itself could not send it


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_whatever_is_asked_for_is_answered_as_the_callers_own_mistake(
    studio: Studio, mode: str
) -> None:
    """Point 8: odd addresses, prompts, arguments and cursors are -32602, never a fault of ours."""
    async with Client(studio.server(EVERYONE), mode=mode, cache=None) as client:
        said = [await told(client.read_resource(uri)) for uri in draw(URIS, EACH, 1)]
        for name, arguments in draw(st.tuples(NAMES, ARGUMENTS), EACH, 2):
            said.append(await told(client.get_prompt(name, arguments)))
        for name, argument, typed in draw(st.tuples(NAMES, NAMES, TEXT), EACH, 3):
            prompt = PromptReference(type="ref/prompt", name=name)
            said.append(await told(client.complete(prompt, {"name": argument, "value": typed})))
        for uri, argument, typed in draw(st.tuples(URIS, NAMES, TEXT), EACH, 4):
            room = ResourceTemplateReference(type="ref/resource", uri=uri)
            said.append(await told(client.complete(room, {"name": argument, "value": typed})))
        for cursor in draw(TEXT, EACH // 4, 5):
            said.append(await told(client.list_tools(cursor=cursor)))
            said.append(await told(client.list_prompts(cursor=cursor)))

    leaking = [line[:500] for line in said if LEAKS.search(line) or SECRET in line]
    assert leaking == []


async def test_an_argument_that_a_prompt_does_not_take_is_refused_by_name(studio: Studio) -> None:
    """Point 8: the SDK would call it an internal error."""
    async with Client(studio.server(EVERYONE)) as client:
        with pytest.raises(MCPError) as caught:
            await client.get_prompt("review_queue", {"channel": "news", "colour": "red"})

    assert caught.value.code == INVALID_PARAMS
    assert caught.value.message.splitlines() == [
        "The arguments of review_queue do not fit.",
        "'colour': there is no such argument",
        "It takes: channel",
    ]
