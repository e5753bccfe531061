"""Anthropic's Messages API, with the faults that it documents."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import jsonschema
import pytest

from bookai.llm.anthropic import Anthropic
from bookai.llm.base import CallFailed, ErrorKind, Outcome, Server
from bookai.llm.hosted.schema import thinned
from tests.bookai.llm.calls import SCHEMA, failure_of, make_call
from tests.peers.fake_anthropic import ANSWER, FakeAnthropic

KEY = "sk-ant-secret-of-ours"


@pytest.fixture
async def provider() -> AsyncIterator[Anthropic]:
    opened = Anthropic({"TINY_KEY": KEY})
    yield opened
    await opened.close()


def at(peer: FakeAnthropic) -> Server:
    return Server("claude", "anthropic", peer.url, key_env="TINY_KEY")


async def test_an_answer_comes_with_all_tokens_that_are_billed(provider: Anthropic) -> None:
    heard: list[str] = []

    async with FakeAnthropic(key=KEY) as peer:
        reply = await provider.reply(make_call(at(peer), "claude-tiny-4", heard=heard.append))

    assert json.loads(reply.text) == ANSWER
    assert (reply.input_tokens, reply.output_tokens, reply.finish) == (40, 9, "stop")
    assert len(heard) > 3


async def test_the_system_text_and_a_thinned_schema_have_fields_of_their_own(
    provider: Anthropic,
) -> None:
    async with FakeAnthropic() as peer:
        await provider.reply(make_call(at(peer), "claude-tiny-4"))

    (sent,) = peer.asked
    assert sent["system"] == "Be brief."
    assert [message["role"] for message in sent["messages"]] == ["user"]
    assert sent["output_config"]["format"] == {"type": "json_schema", "schema": thinned(SCHEMA)}
    assert sent["max_tokens"] == 1200


async def test_a_model_that_is_too_old_gives_the_answer_to_a_tool_and_is_remembered(
    provider: Anthropic,
) -> None:
    async with FakeAnthropic(is_old=True, no_temperature=True) as peer:
        first = await provider.reply(make_call(at(peer), "claude-tiny-4"))
        await provider.reply(make_call(at(peer), "claude-tiny-4"))

    assert json.loads(first.text) == ANSWER
    assert peer.asked[-1]["tool_choice"] == {"type": "tool", "name": "answer"}
    assert len(peer.asked) == 4


async def test_thinking_is_no_part_of_the_answer(provider: Anthropic) -> None:
    async with FakeAnthropic("thinking") as peer:
        reply = await provider.reply(make_call(at(peer), "claude-tiny-4"))

    assert json.loads(reply.text) == ANSWER


async def test_an_answer_cut_at_its_limit_says_so(provider: Anthropic) -> None:
    async with FakeAnthropic("max_tokens") as peer:
        reply = await provider.reply(make_call(at(peer), "claude-tiny-4"))

    assert (reply.finish, reply.output_tokens) == ("length", 9)


@pytest.mark.parametrize(
    ("trap", "outcome", "kind", "said"),
    [
        ("key", "client", "http_4xx", "does not accept the key in TINY_KEY (401)"),
        ("forbidden", "client", "http_4xx", "does not accept the key in TINY_KEY (403)"),
        ("money", "client", "http_4xx", "no money left"),
        ("model", "client", "model_missing", "has no model"),
        ("large", "client", "context", "does not fit"),
        ("context", "client", "context", "prompt is too long"),
        ("rate", "busy", "busy", "it asks for 3 s"),
        ("overloaded", "busy", "busy", "Overloaded"),
        ("overloaded_event", "busy", "busy", "Overloaded"),
        ("crash", "infra", "http_5xx", "500"),
        ("cut", "infra", "reset", "broke off the connection"),
        ("error_event", "infra", "midstream_error", "Internal server error"),
        ("unfinished", "quality", "no_done", "broke off in the middle"),
        ("no_stop", "quality", "no_done", "broke off in the middle"),
        ("empty", "quality", "empty", "was empty"),
        ("refusal", "refused", "empty", "refused to answer"),
    ],
)
async def test_each_fault_is_told_apart(
    provider: Anthropic, trap: str, outcome: Outcome, kind: ErrorKind, said: str
) -> None:
    async with FakeAnthropic(trap) as peer:
        error = await failure_of(provider, make_call(at(peer), "claude-tiny-4"))

    assert (error.outcome, error.kind) == (outcome, kind)
    assert said in str(error)


@pytest.mark.parametrize("trap", ["unfinished", "no_stop"])
async def test_what_broke_off_before_its_count_is_not_taken_for_cheap(
    provider: Anthropic, trap: str
) -> None:
    async with FakeAnthropic(trap) as peer:
        error = await failure_of(provider, make_call(at(peer), "claude-tiny-4"))

    assert error.billed is None or error.billed[1] > 1


async def test_a_refusal_tells_what_was_billed_all_the_same(provider: Anthropic) -> None:
    async with FakeAnthropic("refusal") as peer:
        error = await failure_of(provider, make_call(at(peer), "claude-tiny-4"))

    assert error.billed == (40, 9)


async def test_who_cancels_hangs_up_at_once(provider: Anthropic) -> None:
    begun = asyncio.Event()
    async with FakeAnthropic("stall") as peer:
        call = make_call(at(peer), "claude-tiny-4", heard=lambda piece: begun.set())
        asking = asyncio.create_task(provider.reply(call))
        await begun.wait()

        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

        async with asyncio.timeout(20):
            await peer.hung_up.wait()


async def test_a_model_is_known_with_and_without_its_date(provider: Anthropic) -> None:
    async with FakeAnthropic() as peer:
        sight = await provider.look(at(peer))

    assert sight.models == {"claude-tiny-4-20260101", "claude-tiny-4", "claude-other"}


async def test_the_key_is_sent_and_told_to_nobody(
    provider: Anthropic, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with FakeAnthropic(key="another") as peer:
        error = await failure_of(provider, make_call(at(peer), "claude-tiny-4"))
        with pytest.raises(CallFailed) as closed:
            await provider.look(at(peer))

    assert peer.headers[0]["x-api-key"] == KEY
    for said in (str(error), str(closed.value), caplog.text):
        assert KEY not in said


def test_a_thinned_schema_says_in_words_what_a_grammar_does_not_know() -> None:
    found = thinned(SCHEMA)

    assert found["properties"]["title"] == {
        "type": "string",
        "description": "(at most 80 characters)",
    }
    assert found["properties"]["lines"]["minItems"] == 1
    assert found["properties"]["lines"]["description"] == "(at most 8 items)"
    jsonschema.validate(ANSWER, found)


def test_a_property_may_be_called_like_a_limit() -> None:
    schema = {"type": "object", "properties": {"minimum": {"type": "integer", "minimum": 3}}}

    assert thinned(schema)["properties"] == {
        "minimum": {"type": "integer", "description": "(at least 3)"}
    }
