import asyncio
import hashlib
import json
import logging
from typing import Any

import pytest
from mcp.client import Client
from mcp.types import TextContent

from bookai.errors import OperatorNeeded, Refused, ToolFailed, TryLater
from bookai.toolbox import Toolbox
from mcp_server.auth import AGENTS, Principal, operator_here
from mcp_server.wire import scrub
from tests.mcp_server.doubles import ALICE, POST, SECRET, Nothing, Said, Studio
from tools.base import Decision, JobTicket


def bodies(studio: Studio, kind: str = "tool.called") -> list[dict[str, Any]]:
    return [body for row_kind, _actor, body in studio.rows if row_kind == kind]


async def test_a_call_leaves_one_audit_row_that_names_agent_job_and_outcome(
    studio: Studio,
) -> None:
    async with Client(studio.server(AGENTS)) as client:
        await Toolbox(client).acting("writer", 7).call("echo", Said, text="hello")

    [(kind, actor, body)] = studio.rows
    assert (kind, actor) == ("tool.called", "agent:writer")
    assert body.pop("ms") >= 0
    assert body == {
        "tool": "echo",
        "principal": "agent",
        "agent": "writer",
        "job_id": 7,
        "arguments": {"text": "hello"},
        "arguments_sha256": hashlib.sha256(b'{"text": "hello"}').hexdigest(),
        "outcome": "ok",
        "error": None,
        "reason": None,
    }


async def test_an_operator_is_not_believed_to_be_an_agent(studio: Studio) -> None:
    async with Client(studio.server(ALICE)) as client:
        await Toolbox(client).acting("writer", 7).call("echo", Said, text="hello")

    [(_kind, actor, body)] = studio.rows
    assert (actor, body["agent"], body["job_id"]) == ("operator:alice", None, None)


async def test_long_texts_and_passwords_do_not_enter_the_audit_log(studio: Studio) -> None:
    text = f"https://bob:{SECRET}@example.org/?token={SECRET} " + "x" * 100
    async with Client(studio.server(AGENTS)) as client:
        await Toolbox(client).call("echo", Said, text=text)
        with pytest.raises(ToolFailed):
            await Toolbox(client).call("end_badly", Nothing, how="crash")

    shown = bodies(studio)[0]["arguments"]["text"]
    assert shown.startswith("https://…@example.org/?token=… x")
    assert len(shown) <= 120
    assert SECRET not in str(studio.rows)


async def test_a_crash_is_told_in_the_log_only(
    studio: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    async with Client(studio.server(AGENTS)) as client:
        answer = await client.call_tool("end_badly", {"how": "crash"})

    assert SECRET not in answer.model_dump_json()
    assert SECRET in caplog.text
    assert bodies(studio)[0]["error"] == "RuntimeError"
    assert bodies(studio)[0]["reason"] is None


async def test_a_tool_that_takes_too_long_is_stopped_and_may_be_asked_again(
    studio: Studio,
) -> None:
    async with Client(studio.server(AGENTS)) as client:
        with pytest.raises(TryLater, match=r"limit of 0\.05 s"):
            await Toolbox(client).call("nap", Nothing)

    assert bodies(studio)[0]["outcome"] == "try_later"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_cancelled_call_is_audited_as_cancelled(studio: Studio, mode: str) -> None:
    asleep = asyncio.Event()

    async def hear(fraction: float, message: str) -> None:
        asleep.set()

    async with Client(studio.server(AGENTS), mode=mode) as client:
        toolbox = Toolbox(client).acting("editor", 3, hear)
        call = asyncio.ensure_future(toolbox.call("sleep_long", Nothing))
        await asleep.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        # The older era cancels by a message, which takes its time.
        async with asyncio.timeout(10):
            await studio.noted.wait()

    assert [body["outcome"] for body in bodies(studio)] == ["cancelled"]


async def test_publishing_is_refused_until_the_operator_agrees_to_this_very_post(
    studio: Studio,
) -> None:
    async with Client(studio.server(AGENTS)) as client:
        toolbox = Toolbox(client)
        with pytest.raises(Refused, match="waits for the operator: bookai approve 4"):
            await toolbox.call("send_post", Said, job_id=4, post=POST)
        studio.desk.approved.add((4, POST.digest()))
        changed = POST.model_copy(update={"title": "Another"})
        with pytest.raises(Refused, match="waits for the operator"):
            await toolbox.call("send_post", Said, job_id=4, post=changed)
        assert studio.desk.sent == []

        await toolbox.call("send_post", Said, job_id=4, post=POST)

    assert studio.desk.sent == [4]
    assert [body["outcome"] for body in bodies(studio)] == ["refused", "refused", "ok"]
    assert len(bodies(studio, "tool.calling")) == 1


@pytest.mark.parametrize(
    "principal",
    [
        AGENTS,
        Principal("agent:worker", frozenset({"agent", "read", "operate", "approve"})),
        Principal("token:screen", frozenset({"approve"})),
        operator_here("operator:bob"),
    ],
)
async def test_only_an_operator_with_the_right_decides(
    studio: Studio, principal: Principal
) -> None:
    async with Client(studio.server(principal)) as client:
        with pytest.raises(Refused, match="decide_approval needs the right 'approve'"):
            await Toolbox(client).call(
                "decide_approval", Decision, approval_id=1, decision="approve"
            )

    assert studio.desk.decided == []
    assert bodies(studio)[0]["outcome"] == "refused"


async def test_a_decision_bears_the_operators_name(studio: Studio) -> None:
    async with Client(studio.server(ALICE)) as client:
        row = await Toolbox(client).call(
            "decide_approval", Decision, approval_id=1, decision="reject", reason="too loud"
        )

    assert row.state == "rejected"
    assert studio.desk.decided == [(1, False, "too loud", "operator:alice")]
    # A person's own words can be erased beside the log, not in it.
    assert "too loud" not in json.dumps(bodies(studio))


async def test_a_rejection_without_a_reason_is_refused(studio: Studio) -> None:
    async with Client(studio.server(ALICE)) as client:
        with pytest.raises(Refused, match="needs a reason"):
            await Toolbox(client).call(
                "decide_approval", Decision, approval_id=1, decision="reject", reason=" "
            )

    assert studio.desk.decided == []


async def test_nothing_is_changed_while_the_audit_log_cannot_be_written(studio: Studio) -> None:
    studio.audit_fails = True
    studio.desk.approved.add((4, POST.digest()))
    said = []
    async with Client(studio.server(ALICE)) as alice, Client(studio.server(AGENTS)) as agent:
        for client, name, arguments in (
            (alice, "make_video", {"source": "a.txt"}),
            (alice, "decide_approval", {"approval_id": 1, "decision": "approve"}),
            (agent, "send_post", {"job_id": 4, "post": POST}),
        ):
            with pytest.raises(OperatorNeeded, match="was not started") as caught:
                await Toolbox(client).call(name, JobTicket, **arguments)
            said.append(str(caught.value))

    assert (studio.desk.created, studio.desk.decided, studio.desk.sent) == ([], [], [])
    assert SECRET not in str(said)


async def test_work_done_without_its_audit_row_is_told_apart_from_work_not_done(
    studio: Studio,
) -> None:
    studio.audit_fails_after = 1
    async with Client(studio.server(ALICE)) as client:
        with pytest.raises(OperatorNeeded, match="did its work") as caught:
            await Toolbox(client).call("make_video", JobTicket, source="a.txt")

    assert len(studio.desk.created) == 1
    assert caught.value.mend.startswith("Do not repeat it")


async def test_reading_goes_on_without_the_audit_log_and_says_so_in_the_log(
    studio: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    studio.audit_fails = True
    async with Client(studio.server(AGENTS)) as client:
        with caplog.at_level(logging.ERROR):
            said = await Toolbox(client).call("echo", Said, text="hello")

    assert said.text == "hello"
    assert "No audit row for tool echo" in caplog.text


async def test_the_text_of_an_answer_is_the_record_for_clients_of_text_only(
    studio: Studio,
) -> None:
    async with Client(studio.server(AGENTS)) as client:
        answer = await client.call_tool("echo", {"text": "Grüße"})

    [part] = answer.content
    assert isinstance(part, TextContent)
    assert Said.model_validate_json(part.text) == Said.model_validate(answer.structured_content)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://u:p@h/db", "postgres://…@h/db"),
        ("https://h/x?api_key=abc&y=1", "https://h/x?api_key=…&y=1"),
        ("Authorization: Bearer abcdefgh12345", "Authorization: Bearer …"),
        ("a\x00b\x1bc", "a b c"),
        ("The secret: eat less @ home", "The secret: eat less @ home"),
    ],
)
def test_secrets_are_scrubbed_and_prose_is_not(text: str, expected: str) -> None:
    assert scrub(text) == expected
