"""What goes over the wire about tasks: questions, errors, and who may not ask."""

from dataclasses import replace
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.extension import advertise
from mcp.shared.exceptions import MCPError

from bookai.db.pool import Pool
from bookai.mcp_tasks import EXTENSION
from bookai.mcp_tasks.client import Became, answer_task, cancel_task, get_task
from tests.mcp_server.tasks.shop import (
    ANN,
    QUICK,
    Shop,
    add_asking_tool,
    add_breaking_tool,
    begun,
    patient,
    reached,
    rows,
    shop,
    texts,
)


async def test_a_tools_refusal_completes_its_task_and_a_protocol_error_fails_it(
    pool: Pool, dsn: str
) -> None:
    studio = shop(pool, dsn)
    server = studio.server(ANN)
    add_breaking_tool(server)
    async with patient(server) as client:
        refused = await begun(client, studio.gate, how="refused")
        broken = await client.session.call_tool("break_wire", {}, allow_claimed=True)
        assert isinstance(broken, Became)
        studio.gate.opened.set()
        completed = await reached(client, refused.task_id, "completed", "failed")
        failed = await reached(client, broken.task_id, "completed", "failed")

    assert completed.result is not None
    assert (completed.status, completed.result["isError"]) == ("completed", True)
    assert failed.error == {"code": -32050, "message": "the wire broke", "data": {"at": "here"}}


async def test_a_task_that_asks_goes_on_with_the_answers_given_one_by_one(
    pool: Pool, dsn: str
) -> None:
    server = shop(pool, dsn).server(ANN)
    add_asking_tool(server, questions=2, slow_s=0.2)
    async with patient(server) as client:
        task = await client.session.call_tool("ask_first", {}, allow_claimed=True)
        assert isinstance(task, Became)
        asked = await reached(client, task.task_id, "input_required")
        await answer_task(client.session, task.task_id, {"q1": accept("two"), "q9": accept("no")})
        left = await get_task(client.session, task.task_id)
        await answer_task(client.session, task.task_id, {"q0": accept("one")})
        ended = await reached(client, task.task_id, "completed")

    assert asked.input_requests is not None
    assert left.input_requests is not None
    assert asked.input_requests.keys() == {"q0", "q1"}
    assert asked.input_requests["q0"]["params"]["message"] == "question 0"
    assert left.input_requests.keys() == {"q0"}
    assert ended.result is not None
    assert ended.result["content"][0]["text"] == "one,two +"


async def test_a_task_may_ask_again_and_takes_no_old_answer_for_a_new_one(
    pool: Pool, dsn: str
) -> None:
    server = shop(pool, dsn, terms=replace(QUICK, beat_s=0.01)).server(ANN)
    add_asking_tool(server, questions=1, slow_s=0.1, times=3)
    asked = []

    async def answer(name: str, question: dict[str, Any]) -> dict[str, Any]:
        asked.append(name)
        return accept(f"answer {len(asked)}")

    async with patient(server, answer) as client:
        ended = await client.call_tool("ask_first", {})

    assert asked == ["q0"] * 3
    assert texts(ended) == ["answer 3 +++"]


async def test_a_question_that_comes_in_time_is_asked_of_the_caller_himself(
    pool: Pool, dsn: str
) -> None:
    server = shop(pool, dsn, terms=replace(QUICK, grace_s=5)).server(ANN)
    add_asking_tool(server, questions=1, slow_s=0)
    async with patient(server) as client:
        answer = await client.session.call_tool("ask_first", {}, allow_input_required=True)

    assert answer.result_type == "input_required"
    assert await rows(pool) == []


async def test_an_answer_of_no_known_form_is_refused(pool: Pool, dsn: str) -> None:
    server = shop(pool, dsn).server(ANN)
    add_asking_tool(server, questions=1, slow_s=0.2)
    async with patient(server) as client:
        task = await client.session.call_tool("ask_first", {}, allow_claimed=True)
        assert isinstance(task, Became)
        await reached(client, task.task_id, "input_required")
        with pytest.raises(MCPError) as refused:
            await answer_task(client.session, task.task_id, {"q0": {"action": "perhaps"}})
        await cancel_task(client.session, task.task_id)
        ended = await reached(client, task.task_id, "cancelled")

    assert refused.value.code == -32602
    assert ended.input_requests is None


async def test_an_unknown_task_is_an_error_of_the_caller(pool: Pool, dsn: str) -> None:
    codes = []
    async with patient(shop(pool, dsn).server(ANN)) as client:
        for task_id in ("nobody-knows-this-one", "", "x" * 5000, "a\x00b", "../../etc/x"):
            with pytest.raises(MCPError) as unknown:
                await get_task(client.session, task_id)
            codes.append(unknown.value.code)

    assert set(codes) == {-32602}


async def test_a_tool_that_is_always_a_task_needs_a_client_that_knows_them(
    pool: Pool, dsn: str
) -> None:
    studio = shop(pool, dsn, always={"echo"}, terms=replace(QUICK, grace_s=5))
    server = studio.server(ANN)
    async with Client(server) as plain:
        with pytest.raises(MCPError) as refused:
            await plain.call_tool("echo", {"text": "a"})
        with pytest.raises(MCPError) as no_get:
            await get_task(plain.session, "nobody-knows-this-one")
    async with patient(server) as client:
        answer = await client.call_tool("echo", {"text": "b"})

    assert (refused.value.code, no_get.value.code) == (-32021, -32021)
    assert answer.structured_content == {"text": "b", "by": "operator:ann"}
    assert await rows(pool) == [("echo", "completed")]


async def test_the_extension_is_offered_and_lists_nothing(pool: Pool, dsn: str) -> None:
    async with patient(shop(pool, dsn).server(ANN)) as client:
        offered = client.server_capabilities.extensions
    async with Client(Shop().server(ANN), extensions=[advertise(EXTENSION)]) as client:
        without = client.server_capabilities.extensions

    assert offered == {EXTENSION: {}}
    assert not without


def accept(text: str) -> dict[str, Any]:
    return {"action": "accept", "content": {"text": text}}
