"""OpenAI's protocol in the dialects of its servers, with the faults that they document."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import pytest

from bookai.llm.base import CallFailed, ErrorKind, Outcome, Server, Sight
from bookai.llm.openai_compatible import OpenAICompatible
from tests.bookai.llm.calls import SCHEMA, failure_of, make_call
from tests.peers.fake_openai import ANSWER, FakeOpenAI

KEY = "sk-secret-of-ours"


@pytest.fixture
async def provider() -> AsyncIterator[OpenAICompatible]:
    opened = OpenAICompatible({"TINY_KEY": KEY})
    yield opened
    await opened.close()


def at(peer: FakeOpenAI, key_env: str | None = None) -> Server:
    return Server("tiny-server", "openai_compatible", f"{peer.url}/v1", key_env=key_env)


async def test_an_answer_comes_with_its_tokens_and_is_heard_piece_by_piece(
    provider: OpenAICompatible,
) -> None:
    heard: list[str] = []

    async with FakeOpenAI() as peer:
        reply = await provider.reply(make_call(at(peer), "tiny", heard=heard.append))

    assert json.loads(reply.text) == ANSWER
    assert (reply.input_tokens, reply.output_tokens, reply.finish) == (40, 9, "stop")
    assert "".join(heard) == reply.text
    assert len(heard) > 3
    assert reply.first_chunk_s is not None


async def test_the_schema_goes_out_strictly_and_the_stream_is_asked_to_count(
    provider: OpenAICompatible,
) -> None:
    async with FakeOpenAI() as peer:
        await provider.reply(make_call(at(peer), "tiny"))

    (sent,) = peer.asked
    assert sent["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA},
    }
    assert sent["stream_options"] == {"include_usage": True}
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]
    assert sent["max_tokens"] == 1200


@pytest.mark.parametrize(
    ("rejects", "form"),
    [(("json_schema",), {"type": "json_object"}), (("json_schema", "json_object"), None)],
)
async def test_a_server_without_schemas_is_asked_more_simply_and_remembered(
    provider: OpenAICompatible, rejects: tuple[str, ...], form: object
) -> None:
    async with FakeOpenAI(rejects=rejects) as peer:
        await provider.reply(make_call(at(peer), "tiny"))
        await provider.reply(make_call(at(peer), "tiny"))

    assert len(peer.asked) == len(rejects) + 2
    assert peer.asked[-1].get("response_format") == form


async def test_a_model_that_takes_neither_temperature_nor_max_tokens_is_asked_without(
    provider: OpenAICompatible,
) -> None:
    rejects = ("max_tokens", "temperature", "stream_options")

    async with FakeOpenAI(rejects=rejects) as peer:
        reply = await provider.reply(make_call(at(peer), "tiny"))

    assert json.loads(reply.text) == ANSWER
    assert peer.asked[-1]["max_completion_tokens"] == 1200
    assert not set(rejects) & set(peer.asked[-1])


@pytest.mark.parametrize("trap", ["no_done", "no_blank", "thinking"])
async def test_a_whole_answer_is_taken_however_the_stream_ends(
    provider: OpenAICompatible, trap: str
) -> None:
    async with FakeOpenAI(trap) as peer:
        reply = await provider.reply(make_call(at(peer), "tiny"))

    assert json.loads(reply.text) == ANSWER
    assert reply.input_tokens == 40


async def test_tokens_that_nobody_counted_stay_unknown(provider: OpenAICompatible) -> None:
    async with FakeOpenAI("no_usage") as peer:
        reply = await provider.reply(make_call(at(peer), "tiny"))

    assert (reply.input_tokens, reply.output_tokens) == (None, None)


async def test_an_answer_cut_at_its_limit_says_so(provider: OpenAICompatible) -> None:
    async with FakeOpenAI("length") as peer:
        reply = await provider.reply(make_call(at(peer), "tiny"))

    assert reply.finish == "length"


@pytest.mark.parametrize(
    ("trap", "outcome", "kind", "said"),
    [
        ("vllm_context", "client", "context", "maximum context length is 4096"),
        ("llama_context", "client", "context", "available context size"),
        ("context_event", "client", "context", "available context size"),
        ("model", "client", "model_missing", "has no model 'tiny'"),
        ("quota", "client", "http_4xx", "no money left"),
        ("form", "client", "http_4xx", "422"),
        ("moved", "client", "protocol", "is its url right"),
        ("busy", "busy", "busy", "it asks for 7 s"),
        ("loading", "busy", "busy", "Loading model"),
        ("crash", "infra", "http_5xx", "EngineCore"),
        ("html", "infra", "http_5xx", "a web page instead of JSON"),
        ("page", "infra", "protocol", "no stream of events"),
        ("garbage", "infra", "protocol", "no JSON"),
        ("cut", "infra", "reset", "broke off the connection"),
        ("error_event", "infra", "midstream_error", "out of memory"),
        ("no_finish", "quality", "no_done", "broke off in the middle"),
        ("reset", "quality", "no_done", "broke off in the middle"),
        ("empty", "quality", "empty", "was empty"),
        ("blanks", "quality", "blanks", "without end"),
        ("refusal", "refused", "empty", "refused to answer"),
        ("filtered", "refused", "empty", "refused to answer"),
    ],
)
async def test_each_fault_is_told_apart(
    provider: OpenAICompatible, trap: str, outcome: Outcome, kind: ErrorKind, said: str
) -> None:
    async with FakeOpenAI(trap) as peer:
        error = await failure_of(provider, make_call(at(peer), "tiny"))

    assert (error.outcome, error.kind) == (outcome, kind)
    assert said in str(error)


async def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(
    provider: OpenAICompatible,
) -> None:
    async with FakeOpenAI("busy") as peer:
        error = await failure_of(provider, make_call(at(peer), "tiny"))

    assert error.after_s == 7.0


@pytest.mark.parametrize(
    ("trap", "seconds", "silence_s", "kind"),
    [
        ("hang", 9.0, 0.6, "first_chunk_timeout"),
        ("stall", 9.0, 0.6, "idle_timeout"),
        ("stall", 0.6, 9.0, "deadline"),
    ],
)
async def test_a_silent_server_is_hung_up_on(
    provider: OpenAICompatible, trap: str, seconds: float, silence_s: float, kind: ErrorKind
) -> None:
    async with FakeOpenAI(trap) as peer:
        call = make_call(at(peer), "tiny", seconds=seconds, silence_s=silence_s)
        error = await failure_of(provider, call)
        async with asyncio.timeout(20):
            await peer.hung_up.wait()

    assert (error.outcome, error.kind) == ("timeout", kind)


async def test_who_cancels_hangs_up_at_once(provider: OpenAICompatible) -> None:
    begun = asyncio.Event()
    async with FakeOpenAI("stall") as peer:
        call = make_call(at(peer), "tiny", heard=lambda piece: begun.set())
        asking = asyncio.create_task(provider.reply(call))
        await begun.wait()

        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

        async with asyncio.timeout(20):
            await peer.hung_up.wait()


async def test_nobody_at_the_address_is_told_as_that(provider: OpenAICompatible) -> None:
    server = Server("gone", "openai_compatible", "http://127.0.0.1:9/v1")

    error = await failure_of(provider, make_call(server, "tiny"))

    assert (error.outcome, error.kind) == ("infra", "connect")
    with pytest.raises(CallFailed, match="nothing answers"):
        await provider.look(server)


async def test_a_look_tells_the_models(provider: OpenAICompatible) -> None:
    async with FakeOpenAI(models=("a", "b")) as peer:
        sight = await provider.look(at(peer))

    assert sight == Sight(frozenset({"a", "b"}), {"a": 0, "b": 0})


async def test_the_key_is_sent_and_told_to_nobody(
    provider: OpenAICompatible, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with FakeOpenAI(key="another", models=("tiny",)) as peer:
        error = await failure_of(provider, make_call(at(peer, "TINY_KEY"), "tiny"))
        with pytest.raises(CallFailed) as closed:
            await provider.look(at(peer, "TINY_KEY"))

    assert peer.headers[0]["authorization"] == f"Bearer {KEY}"
    for said in (str(error), str(closed.value), caplog.text):
        assert KEY not in said
    assert "does not accept the key in TINY_KEY (401)" in str(error)
    assert "sk-se" not in str(error)


async def test_a_key_that_is_not_there_is_named_and_nothing_is_sent() -> None:
    provider = OpenAICompatible({})
    async with FakeOpenAI() as peer:
        error = await failure_of(provider, make_call(at(peer, "TINY_KEY"), "tiny"))
    await provider.close()

    assert "set the environment variable TINY_KEY" in str(error)
    assert peer.log == []


async def test_no_proxy_of_the_environment_stands_before_a_server_of_ours(
    provider: OpenAICompatible, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async with FakeOpenAI() as peer:
        server = Server("t", "openai_compatible", f"{peer.url}/v1", proxy=True)
        reply = await provider.reply(make_call(server, "tiny"))

    assert json.loads(reply.text) == ANSWER


async def test_a_far_server_is_reached_by_a_proxy_where_settings_say_so(
    provider: OpenAICompatible, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeOpenAI() as peer:
        monkeypatch.setenv("http_proxy", peer.url)
        far = Server("far", "openai_compatible", "http://models.example.org/v1", proxy=True)
        reply = await provider.reply(make_call(far, "tiny"))

    assert json.loads(reply.text) == ANSWER
    assert peer.headers[0]["host"] == "models.example.org"
