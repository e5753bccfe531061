"""A question before what cannot be taken back: for clients that can ask, and never a proof."""

import secrets
from dataclasses import replace
from typing import Any

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, ElicitResult, InputRequiredResult

from bookai.errors import Refused
from bookai.toolbox import Toolbox
from mcp_server.auth import AGENTS
from mcp_server.rights.access import Access
from tests.mcp_server.doubles import ALICE, POST, Nothing, Studio
from tests.mcp_server.rights.asking import YES, Person, other_process
from tools.base import Decision

ERAS = ("auto", "legacy")
KEYS = (b"k" * 32,)
KEY = "studio:confirm_decide_approval"


def outcomes(studio: Studio) -> list[str]:
    return [body["outcome"] for kind, _, body in studio.rows if kind == "tool.called"]


@pytest.mark.parametrize("mode", ERAS)
async def test_a_person_who_confirms_decides(studio: Studio, mode: str) -> None:
    person = Person()

    async with person.client(studio, mode) as client:
        row = await Toolbox(client).call("decide_approval", Decision, **YES)

    assert row.decided_by == "operator:alice"
    assert person.heard == [
        f'Approve post 1, "Rain on Mars" (digest {POST.digest()[:12]}) for gallery/local? '
        "It is published at once. It cannot be taken back."
    ]
    assert outcomes(studio)[-1] == "ok"


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize(
    ("person", "says"),
    [
        (Person("decline"), "the answer was no"),
        (Person("accept", confirms=False), "the answer was no"),
        (Person("cancel"), "closed unanswered"),
    ],
)
async def test_a_no_leaves_an_audit_row_and_nothing_else(
    studio: Studio, mode: str, person: Person, says: str
) -> None:
    """Point 15: decline and cancel leave an audit row and no side effect."""
    async with person.client(studio, mode) as client:
        with pytest.raises(Refused, match=says):
            await Toolbox(client).call("decide_approval", Decision, **YES)

    assert studio.desk.decided == []
    assert outcomes(studio)[-1] == "refused"
    assert studio.rows[-1][2]["error"] == "NotConfirmed"


async def test_a_question_that_nobody_answers_ends(studio: Studio) -> None:
    """Point 15: a timeout leaves an audit row and no side effect."""
    studio.access = Access(answer_s=0.05)

    async with Person("nothing").client(studio, "legacy") as client:
        with pytest.raises(Refused, match=r"nobody confirmed it within 0\.05 s"):
            await Toolbox(client).call("decide_approval", Decision, **YES)

    assert studio.desk.decided == []
    assert outcomes(studio) == ["refused"]


@pytest.mark.parametrize("mode", ERAS)
async def test_a_client_that_cannot_ask_is_not_held_up(studio: Studio, mode: str) -> None:
    async with studio.connected("memory", mode, "operator") as client:
        row = await Toolbox(client).call("decide_approval", Decision, **YES)

    assert row.decided_by == "operator:alice"


@pytest.mark.parametrize("mode", ERAS)
async def test_where_confirming_is_demanded_a_client_must_be_able_to_ask(
    studio: Studio, mode: str
) -> None:
    """Point 15: a missing capability (-32021) leaves an audit row and no side effect."""
    studio.access = Access(must_confirm=True)

    async with studio.connected("memory", mode, "operator") as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("decide_approval", YES)

    assert caught.value.code == -32021
    assert caught.value.error.data == {"requiredCapabilities": {"elicitation": {"form": {}}}}
    assert studio.desk.decided == []
    assert outcomes(studio) == ["cannot_ask"]


@pytest.mark.parametrize("mode", ERAS)
async def test_a_yes_is_no_right_to_approve(studio: Studio, mode: str) -> None:
    person = Person()

    async with person.client(studio, mode, AGENTS) as client:
        with pytest.raises(Refused, match="needs the right 'approve'"):
            await Toolbox(client).call("decide_approval", Nothing, **YES)

    assert person.heard == []
    assert studio.desk.decided == []


async def test_an_answer_that_was_never_asked_for_is_asked_for(studio: Studio) -> None:
    async with Person().client(studio, "auto") as client:
        found = await rounds(client, input_responses={KEY: _yes()})

    assert isinstance(found, InputRequiredResult)
    assert studio.desk.decided == []
    assert outcomes(studio) == ["asked"]


async def test_an_answer_counts_only_for_what_was_shown(studio: Studio) -> None:
    async with Person().client(studio, "auto") as client:
        asked = await rounds(client)
        assert isinstance(asked, InputRequiredResult)
        other = YES | {"approval_id": 2}
        with pytest.raises(MCPError) as caught:
            await rounds(client, other, {KEY: _yes()}, asked.request_state)

    assert caught.value.code == -32602
    assert studio.desk.decided == []


async def test_another_process_with_the_same_keys_goes_on_where_one_asked() -> None:
    """Point 25: state that one process sealed is opened by another one that has its keys."""
    first = Studio(access=Access(state_keys=KEYS))
    async with Person().client(first, "auto") as client:
        asked = await rounds(client)
        assert isinstance(asked, InputRequiredResult)

    # The second has a newer key already, and opens what the older one sealed.
    async with Person().at(other_process(secrets.token_hex(32), KEYS[0].hex())) as client:
        done = await rounds(client, YES, {KEY: _yes()}, asked.request_state)

    assert isinstance(done, CallToolResult)
    assert not done.is_error
    assert first.desk.decided == []


async def test_a_process_with_other_keys_takes_no_answer(studio: Studio) -> None:
    """Point 25: state under a key that was taken away, or of a stranger, is refused."""
    async with Person().client(Studio(access=Access(state_keys=KEYS)), "auto") as client:
        asked = await rounds(client)
        assert isinstance(asked, InputRequiredResult)

    studio.access = Access(state_keys=(secrets.token_bytes(32),))
    async with Person().client(studio, "auto") as client:
        with pytest.raises(MCPError) as caught:
            await rounds(client, YES, {KEY: _yes()}, asked.request_state)

    assert caught.value.code == -32602
    assert studio.desk.decided == []


async def test_another_person_cannot_bring_the_answer(studio: Studio) -> None:
    studio.access = Access(state_keys=KEYS)
    async with Person().client(studio, "auto") as client:
        asked = await rounds(client)
        assert isinstance(asked, InputRequiredResult)

    bob = replace(ALICE, name="operator:bob")
    async with Person().client(studio, "auto", bob) as client:
        with pytest.raises(MCPError) as caught:
            await rounds(client, YES, {KEY: _yes()}, asked.request_state)

    assert caught.value.code == -32602
    assert studio.desk.decided == []


def _yes() -> ElicitResult:
    return ElicitResult(action="accept", content={"confirm": True})


async def rounds(
    client: Client,
    arguments: dict[str, Any] = YES,
    input_responses: Any = None,
    request_state: str | None = None,
) -> CallToolResult | InputRequiredResult:
    """Make one round of a call by hand."""
    return await client.session.call_tool(
        "decide_approval",
        arguments,
        input_responses=input_responses,
        request_state=request_state,
        allow_input_required=True,
    )
