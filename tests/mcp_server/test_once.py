"""One effect for one key: what a caller repeats is answered again, not done again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from mcp.client import Client
from mcp.types import CallToolResult

from bookai.db.mcp.replies import Replies
from bookai.db.pool import Pool
from mcp_server.auth import Principal
from mcp_server.once import KEY, REPLAYED_META
from mcp_server.server import build_server
from tests.conftest import execute
from tests.mcp_server.doubles import ALICE, Studio

BOB = Principal("operator:bob", ALICE.scopes)
KEYED = {"source": "a.txt", KEY: "first-key-of-mine"}


@asynccontextmanager
async def client_of(studio: Studio, pool: Pool, who: Principal = ALICE) -> AsyncIterator[Client]:
    server = build_server(
        studio.tools.values(),
        make_context=studio.context,
        audit=studio.audit,
        principal=who,
        replies=Replies(pool),
    )
    async with Client(server) as client:
        yield client


def text_of(answer: CallToolResult) -> str:
    return " ".join(getattr(part, "text", "") for part in answer.content)


async def test_the_same_call_again_brings_the_first_answer_and_no_effect(
    studio: Studio, pool: Pool
) -> None:
    """Point 12: also from another connection, as after a restart of the server."""
    async with client_of(studio, pool) as client:
        first = await client.call_tool("make_video", KEYED)
    async with client_of(studio, pool) as client:
        again = await client.call_tool("make_video", KEYED)

    assert not first.is_error
    assert again.structured_content == first.structured_content
    assert (again.meta or {})[REPLAYED_META] is True
    assert len(studio.desk.created) == 1
    assert [row[2].get("replayed") for row in studio.rows if row[0] == "tool.called"] == [
        None,
        True,
    ]


async def test_a_key_with_other_arguments_is_refused(studio: Studio, pool: Pool) -> None:
    async with client_of(studio, pool) as client:
        await client.call_tool("make_video", KEYED)
        other = await client.call_tool("make_video", {**KEYED, "source": "b.txt"})

    assert other.is_error
    assert "was used with other arguments" in text_of(other)
    assert len(studio.desk.created) == 1


async def test_keys_of_others_are_none_of_ours(studio: Studio, pool: Pool) -> None:
    async with client_of(studio, pool) as client:
        await client.call_tool("make_video", KEYED)
    async with client_of(studio, pool, BOB) as client:
        await client.call_tool("make_video", KEYED)

    assert [by for _, _, by in studio.desk.created] == ["operator:alice", "operator:bob"]


async def test_a_second_call_while_the_first_is_being_done_has_to_wait(
    studio: Studio, pool: Pool
) -> None:
    async with client_of(studio, pool) as client:
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(client.call_tool("make_video", KEYED)) for _ in range(5)]
        answers = [call.result() for call in calls]

    assert len(studio.desk.created) == 1
    assert any(not answer.is_error for answer in answers)
    for answer in answers:
        assert not answer.is_error or "is still being done" in text_of(answer)


async def test_a_refused_call_gives_its_key_back(studio: Studio, pool: Pool) -> None:
    async with client_of(studio, pool) as client:
        bad = {"approval_id": 1, "decision": "reject", KEY: "key-of-a-rejection"}
        refused = await client.call_tool("decide_approval", bad)
        decided = await client.call_tool("decide_approval", {**bad, "reason": "too loud"})

    assert refused.is_error
    assert not decided.is_error
    assert len(studio.desk.decided) == 1


async def test_a_call_that_was_lost_half_way_is_not_done_again(
    studio: Studio, pool: Pool, admin_dsn: str
) -> None:
    """As when the process died between the effect and the answer."""
    async with client_of(studio, pool) as client:
        await client.call_tool("make_video", KEYED)
        execute(admin_dsn, "UPDATE mcp_replies SET reply = NULL")
        soon = await client.call_tool("make_video", KEYED)
        execute(admin_dsn, "UPDATE mcp_replies SET begun_at = begun_at - interval '1 minute'")
        later = await client.call_tool("make_video", KEYED)

    assert "is still being done" in text_of(soon)
    assert "whether it had its effect is not known" in text_of(later)
    assert len(studio.desk.created) == 1


@pytest.mark.parametrize("key", ["short", "x" * 129, "with\nnewline", "käse-und-brot", 7, ["a"]])
async def test_a_key_that_cannot_be_kept_is_refused_by_name(
    studio: Studio, pool: Pool, key: object
) -> None:
    async with client_of(studio, pool) as client:
        answer = await client.call_tool("make_video", {"source": "a.txt", KEY: key})

    assert answer.is_error
    assert "idempotency_key: should be 8 to 128 printable ASCII characters" in text_of(answer)
    assert studio.desk.created == []


async def test_only_what_operators_change_takes_a_key(studio: Studio, pool: Pool) -> None:
    async with client_of(studio, pool) as client:
        listed = {tool.name: tool.input_schema for tool in (await client.list_tools()).tools}
        answer = await client.call_tool("echo", {"text": "hi", KEY: "key-for-reading"})

    assert KEY in listed["make_video"]["properties"]
    assert KEY not in listed["list_jobs"]["properties"]
    assert "there is no such argument" in text_of(answer)
